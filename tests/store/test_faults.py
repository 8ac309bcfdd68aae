"""A value that is of no use is told the whole rule that it breaks, and what came."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from store.faults import RULE, tell_fault, tell_faults, tell_rule


def _refuse(text: str) -> str:
    raise ValueError(f"{text!r} is no word")


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    side: int | None = Field(None, gt=0, lt=10)
    names: Sequence[Annotated[str, Field(max_length=3)]] = Field((), max_length=2)


class _Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(1, ge=1, le=2000)
    seed: int = Field(0, ge=0, le=2**63 - 1)
    share: float = Field(0.5, gt=0, le=1, allow_inf_nan=False)
    weight: float = Field(1.0)
    method: Literal["top", "drs"] = "top"
    policy: Literal["warn", "pause", "stop"] = "warn"
    nice: bool = False
    text: str = Field("", min_length=2)
    code: str = Field("z1", pattern="^z[0-9]$", json_schema_extra={RULE: "z and a digit"})
    maybe: str | None = Field(None, pattern="^z[0-9]$", json_schema_extra={RULE: "z and a digit"})
    plain: str = Field("z1", pattern="^z[0-9]$")
    word: Annotated[str, AfterValidator(_refuse)] = "w"
    place: Path = Path()
    either: int | list[int] = 0
    inner: _Inner = _Inner()
    by_name: dict[str, _Inner] = {}


def _told(values: Mapping[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(values)
    return tell_faults(caught.value, _Outer)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"count": 0}, "count: should be a whole number from 1 up to 2,000; 0 came"),
        ({"count": "many"}, "count: should be a whole number from 1 up to 2,000; 'many' came"),
        ({"count": 1.5}, "count: should be a whole number from 1 up to 2,000; 1.5 came"),
        ({"seed": -1}, "seed: should be a whole number from 0 on; -1 came"),
        (
            {"seed": 2**63},
            "seed: should be a whole number from 0 up to 9,223,372,036,854,775,807; 9223372036854775808 came",
        ),
        ({"share": "nan"}, "share: should be a number above 0 up to 1; 'nan' came"),
        ({"weight": "heavy"}, "weight: should be a number; 'heavy' came"),
        ({"method": "best"}, "method: should be top or drs; 'best' came"),
        ({"policy": "dance"}, "policy: should be one of warn, pause, stop; 'dance' came"),
        ({"nice": "perhaps"}, "nice: should be true or false; 'perhaps' came"),
        ({"text": "a"}, "text: should be a text of at least 2 characters; 'a' came"),
        ({"code": "a"}, "code: should be z and a digit; 'a' came"),
        ({"maybe": "a"}, "maybe: should be z and a digit; 'a' came"),
        ({"plain": "a"}, "plain: String should match pattern '^z[0-9]$'; 'a' came"),
        ({"word": "w"}, "word: 'w' is no word; 'w' came"),
        ({"place": 1}, "place: is not a valid path for <class 'pathlib.Path'>; 1 came"),
        ({"inner": {"side": 10}}, "inner.side: should be a whole number above 0 below 10; 10 came"),
        ({"inner": {"names": ["long"]}}, "inner.names.0: should be a text of at most 3 characters; 'long' came"),
        ({"inner": {"names": ["a"] * 3}}, "inner.names: should be a list of at most 2 items; ['a', 'a', 'a'] came"),
        ({"inner": 3}, "inner: should be an object with any of side, names; 3 came"),
        ({"inner": {"width": 3}}, "inner.width: there is no 'width' here; known are side, names"),
        ({"by_name": {"a": {"side": 0}}}, "by_name.a.side: should be a whole number above 0 below 10; 0 came"),
        ({"by_name": 3}, "by_name: should be an object; 3 came"),
    ],
)
def test_what_is_wrong_is_told_with_all_that_would_have_been_right(values: Mapping[str, Any], told: str) -> None:
    assert _told(values) == told


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = _told({"count": 0, "nice": "perhaps"})
    assert "count: should be" in told
    assert "; nice: should be" in told


def test_what_is_missing_is_required() -> None:
    class Wish(BaseModel):
        name: str
        age: int = Field(ge=0, le=150)
        inner: _Inner

    with pytest.raises(ValidationError) as caught:
        Wish.model_validate({})
    told = "name: is required: a text; age: is required: a whole number from 0 up to 150; inner: is required"
    assert tell_faults(caught.value, Wish) == told


def test_where_several_kinds_are_right_there_is_no_one_rule() -> None:
    schema = _Outer.model_json_schema()
    assert tell_rule(schema, ["either"]) is None
    assert tell_rule(schema, ["nowhere", 3]) is None
    assert tell_fault({"loc": ("nowhere",), "type": "int_type", "msg": "Input should be odd", "input": 2}, schema) == (
        "should be odd; 2 came"
    )
