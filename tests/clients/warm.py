"""Imports what the programs of this folder import, so that its bytecode is there before the first test."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import langchain_community.chat_models.litellm  # noqa: F401
import langchain_openai  # noqa: F401
import litellm.proxy.proxy_server  # noqa: F401
import pydantic_ai.models.openai  # noqa: F401

import massgen  # noqa: F401
