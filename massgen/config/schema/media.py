"""Images, audio and video of one agent (MM-001 to 025)."""

from typing import Annotated, Literal

from pydantic import Field

from massgen.config.schema.base import Flag, NotNegative, Positive, Seconds, Section, Text, doc


class MediaModel(Section):
    """Which model makes or reads a medium."""

    backend: Annotated[Text | None, doc("Provider.")] = None
    model: Annotated[Text | None, doc("Model.")] = None


class VideoModel(MediaModel):
    """Video, with the way frames are chosen."""

    extraction_mode: Annotated[Literal["scene", "uniform"], doc("How frames are chosen.")] = "scene"
    max_frames: Annotated[Positive, Field(le=60), doc("Most frames.")] = 30
    fps: Annotated[Seconds, doc("Frames a second (uniform).")] = 1.0
    threshold: Annotated[NotNegative, doc("Sensitivity (scene).")] = 0.3
    frames_per_scene: Annotated[Positive, doc("Frames of each scene.")] = 3
    num_frames: Annotated[Positive | None, doc("A fixed number; overrides fps.")] = None


class MultimodalConfig(Section):
    """Models by medium."""

    image: Annotated[MediaModel, doc("Images.")] = MediaModel.model_construct()
    audio: Annotated[MediaModel, doc("Audio.")] = MediaModel.model_construct()
    video: Annotated[VideoModel, doc("Video.")] = VideoModel.model_construct()


class MediaKeys(Section):
    """Media inside `backend`."""

    enable_multimodal_tools: Annotated[Flag, doc("Offer read_media and generate_media.")] = False
    image_generation_backend: Annotated[
        Literal["openai", "google", "grok", "openrouter"] | None, doc("Left out: chosen by the keys present.")
    ] = None
    image_generation_model: Annotated[Text | None, doc("Left out: the backend's default.")] = None
    video_generation_backend: Annotated[
        Literal["grok", "google", "openai"] | None, doc("Left out: chosen by the keys present.")
    ] = None
    video_generation_model: Annotated[Text | None, doc("Left out: the backend's default.")] = None
    audio_generation_backend: Annotated[
        Literal["elevenlabs", "openai"] | None, doc("Left out: chosen by the keys present.")
    ] = None
    audio_generation_model: Annotated[Text | None, doc("Left out: the backend's default.")] = None
    multimodal_config: Annotated[MultimodalConfig, doc("Models by medium.")] = MultimodalConfig.model_construct()
    enable_image_generation: Annotated[Flag, doc("Offer image generation.")] = False
    enable_audio_generation: Annotated[Flag, doc("Offer audio generation.")] = False
    enable_video_generation: Annotated[Flag, doc("Offer video generation.")] = False
    enable_file_generation: Annotated[Flag, doc("Offer document generation.")] = False
