"""Functions whose results are a picture and a sound."""

from __future__ import annotations

import base64
import io
import wave

from massgen.tool import AudioContent, ExecutionResult, ImageContent

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def picture() -> ExecutionResult:
    """Draw a pixel."""
    return ExecutionResult(output_blocks=[ImageContent(data=PIXEL)])


async def sound() -> ExecutionResult:
    """Play a moment of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(bytes(160))
    return ExecutionResult(output_blocks=[AudioContent(data=base64.b64encode(file.getvalue()).decode())])
