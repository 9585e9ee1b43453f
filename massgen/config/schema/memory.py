"""Conversation and vector memory, and memory in files (MEM-001 to 011, MEM-079)."""

from typing import Annotated, Literal

from pydantic import ConfigDict

from massgen.config.schema.base import Flag, Fraction, Positive, Section, Text, doc


class ConversationMemory(Section):
    """The conversation of this session."""

    enabled: Annotated[Flag, doc("Keep the conversation.")] = True


class MemoryModel(Section):
    """A model that memory uses; other keys go to its provider."""

    open = True
    model_config = ConfigDict(extra="allow")

    provider: Annotated[Text | None, doc("Provider of the model.")] = None
    model: Annotated[Text | None, doc("Name of the model.")] = None
    api_key: Annotated[Text | None, doc("Key; left out: the provider's variable.")] = None


class Qdrant(Section):
    """Where vectors are kept."""

    mode: Annotated[Literal["server", "local"], doc("A server, or files of this machine.")] = "local"
    host: Annotated[Text, doc("Host of the server.")] = "localhost"
    port: Annotated[Positive, doc("Port of the server.")] = 6333
    path: Annotated[Text, doc("Directory in local mode.")] = ".massgen/qdrant"


class PersistentMemory(Section):
    """Facts kept beyond the conversation."""

    enabled: Annotated[Flag, doc("Record and retrieve facts.")] = False
    on_disk: Annotated[Flag, doc("Keep them on disk.")] = True
    session_name: Annotated[Text | None, doc("Session to search; absent = the current one, null = all sessions.")] = (
        None
    )
    llm: Annotated[MemoryModel, doc("Model that extracts facts.")] = MemoryModel.model_construct(
        provider="openai", model="gpt-4.1-nano-2025-04-14"
    )
    embedding: Annotated[MemoryModel, doc("Model that embeds facts.")] = MemoryModel.model_construct(
        provider="openai", model="text-embedding-3-small"
    )
    qdrant: Annotated[Qdrant, doc("The vector store.")] = Qdrant.model_construct()


class MemoryCompression(Section):
    """When conversations are shortened, and to what share of the context."""

    trigger_threshold: Annotated[Fraction, doc("Share of the context window at which to compress.")] = 0.75
    target_ratio: Annotated[Fraction, doc("Share of tokens kept.")] = 0.40


class Retrieval(Section):
    """What is looked up before a turn."""

    limit: Annotated[Positive, doc("Facts per agent.")] = 5
    exclude_recent: Annotated[Flag, doc("Leave out what the conversation still holds.")] = True


class Recording(Section):
    """What is remembered of a turn."""

    record_all_tool_calls: Annotated[Flag, doc("Record every tool call.")] = False
    record_reasoning: Annotated[Flag, doc("Record reasoning.")] = False
    summarize_large_results: Annotated[Flag, doc("Summarise large tool results first.")] = False
    summary_model: Annotated[Text, doc("Model for these summaries.")] = "gpt-4o-mini"


class MemoryConfig(Section):
    """Conversation and vector memory; no section = off. An agent's own section is merged over it."""

    enabled: Annotated[Flag, doc("Switch for the whole section.")] = True
    conversation_memory: Annotated[ConversationMemory, doc("The conversation.")] = ConversationMemory.model_construct()
    persistent_memory: Annotated[PersistentMemory, doc("Facts across turns.")] = PersistentMemory.model_construct()
    compression: Annotated[MemoryCompression, doc("Shortening of conversations.")] = MemoryCompression.model_construct()
    retrieval: Annotated[Retrieval, doc("Look-up.")] = Retrieval.model_construct()
    recording: Annotated[Recording, doc("Recording.")] = Recording.model_construct()


class FileCompression(Section):
    """When an agent writes its memory to files, and what share of the conversation stays."""

    trigger_threshold: Annotated[Fraction, doc("Share of the context window at which to ask.")] = 0.75
    target_ratio: Annotated[Fraction, doc("Share of the conversation kept.")] = 0.20


class FilesystemMemory(Section):
    """Compression of conversations into files; no section = off."""

    enabled: Annotated[Flag, doc("Switch for the section.")] = True
    compression: Annotated[FileCompression, doc("Thresholds.")] = FileCompression.model_construct()
