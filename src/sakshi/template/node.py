"""The syntax tree of a template: frozen nodes, each with its place in the text.

A template is a `Block` of nodes; what stands in an action is a `Pipeline` of `Command`s:

    {{ $name := .Labels.job | printf "%s!" }}

    Pipeline(
        commands=(
            Command((Field(("Labels", "job")),)),
            Command((Function("printf"), Literal("%s!"))),
        ),
        variables=("$name",),
    )
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Node:
    """Anything with a place: its character offset in the template, 0-based."""

    position: int


Block = tuple[Node, ...]
"""Nodes one after the other."""


@dataclass(frozen=True)
class Literal(Node):
    """A string, character (its code point), number or truth value."""

    value: str | int | float | bool


@dataclass(frozen=True)
class Nil(Node):
    """`nil`."""


@dataclass(frozen=True)
class Field(Node):
    """`.`, or `.Labels.job`: of what the dot stands for."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable(Node):
    """`$value`, `$labels.job`, or `$`: what the template was executed with."""

    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function(Node):
    """A function's name."""

    name: str


@dataclass(frozen=True)
class Chain(Node):
    """`(pipeline).Field.Field`."""

    pipeline: Pipeline
    names: tuple[str, ...]


@dataclass(frozen=True)
class Command(Node):
    """An operand, or a function or method with its arguments; never empty."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Pipeline(Node):
    """Commands; the value of each is the last argument of the next.

    Args:
        variables: names with their `$` that receive the value; two only in a `range`.
        assigns: whether they exist already (`=`) or are declared here (`:=`).
    """

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False


@dataclass(frozen=True)
class Text(Node):
    """What is printed as it stands."""

    text: str


@dataclass(frozen=True)
class Action(Node):
    """`{{ pipeline }}`: prints its value, unless it sets a variable."""

    pipeline: Pipeline


@dataclass(frozen=True)
class If(Node):
    """`{{ if }}`; an `else if` is an If in `otherwise`."""

    pipeline: Pipeline
    body: Block
    otherwise: Block


@dataclass(frozen=True)
class With(Node):
    """`{{ with }}`: as `If`, and the dot is the pipeline's value in the body."""

    pipeline: Pipeline
    body: Block
    otherwise: Block


@dataclass(frozen=True)
class Range(Node):
    """`{{ range }}`: the body for each element, the other block where there is none."""

    pipeline: Pipeline
    body: Block
    otherwise: Block


@dataclass(frozen=True)
class Break(Node):
    """Leaves the innermost range."""


@dataclass(frozen=True)
class Continue(Node):
    """Goes on with the innermost range's next element."""


@dataclass(frozen=True)
class Call(Node):
    """`{{ template "name" pipeline }}`; without a pipeline the dot is nil in it."""

    name: str
    pipeline: Pipeline | None
