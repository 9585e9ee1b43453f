"""The handler that LiteLLM calls; imported only where LiteLLM is in use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from litellm import ModelResponse  # pyright: ignore[reportMissingImports]
from litellm.llms.custom_llm import CustomLLM  # pyright: ignore[reportMissingImports]
from litellm.types.utils import ChatCompletionUsageBlock, GenericStreamingChunk, Usage  # pyright: ignore[reportMissingImports]

from massgen.integrations.litellm_provider import check_answered, hidden_parameters, run_arguments
from massgen.integrations.python import run, wait_for


class MassGenModels(CustomLLM):
    """Each call is a run. Streams give the answer in one piece once it is there."""

    def completion(self, *args: Any, **call: Any) -> ModelResponse:
        return _fill(call["model_response"], wait_for(lambda: _run(call)))

    async def acompletion(self, *args: Any, **call: Any) -> ModelResponse:
        return _fill(call["model_response"], await _run(call))

    def streaming(self, *args: Any, **call: Any) -> Iterator[GenericStreamingChunk]:
        yield from _chunks(wait_for(lambda: _run(call)))

    async def astreaming(self, *args: Any, **call: Any) -> AsyncIterator[GenericStreamingChunk]:
        for piece in _chunks(await _run(call)):
            yield piece


async def _run(call: Mapping[str, Any]) -> dict[str, Any]:
    result = await run(**run_arguments(call["model"], call["messages"], call.get("optional_params") or {}))
    check_answered(result)
    return result


def _fill(response: ModelResponse, result: Mapping[str, Any]) -> ModelResponse:
    choice: Any = response.choices[0]
    choice.message.content = result["final_answer"]
    choice.finish_reason = "stop" if result["exit_code"] == 0 else "length"
    response.model = f"massgen/{response.model}" if response.model else "massgen"
    vars(response)["usage"] = Usage(**_usage(result))
    response._hidden_params.update(hidden_parameters(result))
    return response


def _usage(result: Mapping[str, Any]) -> ChatCompletionUsageBlock:
    """Tokens of all agents together."""
    used = result["usage"]
    sent, got = used["input_tokens"], used["output_tokens"]
    return ChatCompletionUsageBlock(prompt_tokens=sent, completion_tokens=got, total_tokens=sent + got)


def _chunks(result: Mapping[str, Any]) -> Iterator[GenericStreamingChunk]:
    yield _chunk(text=result["final_answer"])
    yield _chunk(is_finished=True, finish_reason="stop", usage=_usage(result))


def _chunk(
    *, text: str = "", is_finished: bool = False, finish_reason: str = "", usage: Any = None
) -> GenericStreamingChunk:
    return GenericStreamingChunk(
        text=text, tool_use=None, is_finished=is_finished, finish_reason=finish_reason, usage=usage, index=0
    )
