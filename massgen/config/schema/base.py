"""What all sections share: strict scalars, frozen models, descriptions."""

from typing import Annotated, Any, ClassVar

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, Strict
from pydantic.fields import FieldInfo

Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Number = Annotated[float, Strict(), AllowInfNan(False)]
NotNegative = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0)]
Seconds = Annotated[float, Strict(), AllowInfNan(False), Field(gt=0)]
Fraction = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0, le=1)]
Texts = tuple[Text, ...]
FreeMap = dict[Text, Any]
"""A map whose content belongs to somebody else (a tool, a provider, a framework)."""


def doc(text: str) -> FieldInfo:
    """The description of a key, for the JSON Schema and the reference page."""
    return Field(description=text)


class Section(BaseModel):
    """A map of the configuration. Unknown keys are dropped here and reported by `massgen.config.keys`.

    `also` names spellings and places that `massgen.config.normalise` reads too, with what they mean; `open`
    says that other keys are allowed (CFG-043).
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", protected_namespaces=(), defer_build=True, hide_input_in_errors=True
    )

    also: ClassVar[dict[str, str]] = {}
    required: ClassVar[tuple[str, ...]] = ()
    open: ClassVar[bool] = False
