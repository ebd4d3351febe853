"""What validation found, in the user's words: one line `key.path = value: allowed is ...` for each mistake."""

import difflib
import json
import math
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from semijax.schema.values import Quantity

_LONGEST = 60  # characters of a value shown in a message


def lines(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each mistake of a validation against `model`."""
    return [_line(mistake, model) for mistake in error.errors(include_url=False)]


def line(path: Iterable, value: Any, allowed: str) -> str:
    """`run.dt = 0: allowed is ...`."""
    return f"{dotted(path)} = {shown(value)}: {allowed}"


def dotted(path: Iterable) -> str:
    """The key path as a user writes it: field.0.electric."""
    return clean(".".join(str(part) for part in path))[:200] or "the case"


def shown(value: Any) -> str:
    """A value as TOML would have it, cut to fit a line."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = json.dumps(value[: 2 * _LONGEST], ensure_ascii=False)
    elif isinstance(value, float) and not math.isfinite(value):
        text = str(value)
    elif isinstance(value, int) and abs(value) > 10**50:
        text = "a whole number of more than 50 digits"
    else:
        text = repr(value) if isinstance(value, int | float) else _compound(value)
    text = clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _compound(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(shown(x) for x in value[:4]) + (", …]" if len(value) > 4 else "]")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {shown(v)}" for k, v in list(value.items())[:3]) + (", …}" if len(value) > 3 else "}")
    return str(value)


def clean(text: str) -> str:
    """Without line breaks and control characters, which could forge a second line."""
    return "".join(c if c.isprintable() else "?" for c in text)


def one_of(names: Iterable, given: Any = None) -> str:
    """`allowed are a, b` and the one nearest to what was given."""
    names = [str(name) for name in names]
    near = nearest(given, names)
    verb = "is" if len(names) == 1 else "are"
    return f"allowed {verb} {', '.join(names)}" + (f"; nearest is {near}" if near and len(names) > 1 else "")


def nearest(given: Any, names: Iterable[str]) -> str | None:
    """The name most like what was given, if any is."""
    found = difflib.get_close_matches(given.lower()[:100], list(names), n=1, cutoff=0.5) if isinstance(given, str) else []
    return found[0] if found else None


def field_at(model: type[BaseModel], path: Iterable) -> Any:
    """The annotation of the key at `path` (no tags in it), or None; unions are followed wherever the next key exists."""
    at: Any = model
    for part in path:
        found = [below for member in _members(at) if (below := _below(member, part)) is not None]
        if not found:
            return None
        at = found[0]
    return at


def quantity_of(annotation: Any) -> Quantity | None:
    """The Quantity among an annotation's metadata (a list has that of its elements)."""
    for member, metadata in _with_metadata(annotation):
        for item in metadata:
            if isinstance(item, Quantity):
                return item
        if get_origin(member) is list and (found := quantity_of(get_args(member)[0])) is not None:
            return found
    return None


def _line(mistake: Any, model: type[BaseModel]) -> str:
    path, at, parent = _located(model, mistake["loc"])
    kind, value = mistake["type"], mistake["input"]
    if kind == "extra_forbidden":
        names = [name for member in _members(parent) if _is_model(member) for name in member.model_fields]
        near = nearest(path[-1], names)
        return line(path, value, f"unknown key, allowed is {near}" if near else f"unknown key, {one_of(names)}")
    if kind.startswith("union_tag"):
        path = [*path, "kind"]
        tags = [_tag(member) for member in _members(at)]
        if kind == "union_tag_not_found":
            return f"{dotted(path)} is missing: {one_of(tags)}"
        return line(path, value.get("kind") if isinstance(value, dict) else value, one_of(tags, value.get("kind")))
    if kind == "missing":
        return f"{dotted(path)} is missing: {_allowed(at)}"
    if path and path[-1] == "[key]":
        return line(path[:-1], value, "allowed is a name of letters, digits and _")
    if kind == "value_error":
        return line(path, value, clean(str(mistake["ctx"]["error"])))
    if kind == "literal_error":
        return line(path, value, one_of([name for member in _members(at) for name in get_args(member)], value))
    return line(path, value, _allowed(at))


def _located(model: type[BaseModel], loc: Iterable) -> tuple[list, Any, Any]:
    """Where pydantic points: the key path without union tags, the annotation there, and that of the table around it."""
    path, at, parent = [], model, model
    for part in loc:
        tagged = [member for member in _members(at) if _is_model(member) and _tag(member) == part]
        if tagged and len(_members(at)) > 1:
            at = tagged[0]
            continue
        path.append(part)
        found = [below for member in _members(at) if (below := _below(member, part)) is not None]
        parent, at = at, found[0] if found else None
    return path, at, parent


def _allowed(annotation: Any) -> str:
    """`allowed is a whole number ≥ 1`, from the type and the bounds of a key."""
    quantity = quantity_of(annotation)
    members = _members(annotation)
    lists = [member for member in members if get_origin(member) is list]
    if quantity is not None and not lists:
        return quantity.allowed
    if quantity is not None:
        return f"allowed is a list of one to three: each {quantity.allowed.removeprefix('allowed is ')}"
    if any(get_origin(member) is Literal for member in members):
        return one_of([name for member in members for name in get_args(member)])
    tags = [_tag(member) for member in members if _is_model(member)]
    if len(tags) > 1:
        return f"allowed is a table whose kind is one of {', '.join(tags)}"
    words = " or ".join(_type_words(member) for member in members) or "another value"
    return f"allowed is {words}{_bounds(annotation)}"


def _type_words(member: Any) -> str:
    simple = {int: "a whole number", bool: "true or false", str: "text", float: "a number"}
    if member in simple:
        return simple[member]
    if _is_model(member):
        return getattr(member, "words", f"a table with {', '.join(member.model_fields)}")
    return {list: "a list", dict: "a table"}.get(get_origin(member), "another value")  # pyright: ignore[reportArgumentType]


def _bounds(annotation: Any) -> str:
    items = [item for _, metadata in _with_metadata(annotation) for item in metadata]
    found = {
        "from": [item.ge for item in items if isinstance(item, annotated_types.Ge)],
        "to": [item.le for item in items if isinstance(item, annotated_types.Le)],
        "of at least": [item.min_length for item in items if isinstance(item, annotated_types.MinLen)],
        "of at most": [item.max_length for item in items if isinstance(item, annotated_types.MaxLen)],
    }
    # the narrowest of the bounds that a type and its key set
    limits = {word: (max if word in ("from", "of at least") else min)(values) for word, values in found.items() if values}
    return " and".join(f" {word} {limit}" for word, limit in limits.items()).replace(" and to", " to")


def _with_metadata(annotation: Any) -> list[tuple[Any, list]]:
    """The members of an annotation (None left out), each with the metadata written around it."""
    if isinstance(annotation, FieldInfo):
        return [(member, [*metadata, *annotation.metadata]) for member, metadata in _with_metadata(annotation.annotation)]
    if get_origin(annotation) is Annotated:
        inner, *outer = get_args(annotation)
        spread = [x for item in outer for x in (item.metadata if isinstance(item, FieldInfo) else [item])]
        return [(member, [*metadata, *spread]) for member, metadata in _with_metadata(inner)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [pair for member in get_args(annotation) for pair in _with_metadata(member)]
    return [] if annotation is type(None) else [(annotation, [])]


def _members(annotation: Any) -> list:
    return [member for member, _ in _with_metadata(annotation)]


def _below(member: Any, part: Any) -> Any:
    if _is_model(member):
        return member.model_fields.get(part)
    if get_origin(member) is dict:
        return get_args(member)[1]
    return get_args(member)[0] if get_origin(member) is list and isinstance(part, int) else None


def _is_model(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _tag(member: type[BaseModel]) -> Any:
    field = member.model_fields.get("kind")
    return get_args(field.annotation)[0] if field is not None else None
