"""Runs a template's tree: a walk that prints, with a stack of variables and three budgets.

Nothing of Python can be reached from a template but what `value.get_field` gives. Steps, depth and
output are bounded, so that no template can stop a rule group or a notification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sakshi.model.errors import SakshiError
from sakshi.template.builtin import SHORT_CIRCUITS
from sakshi.template.errors import (
    FunctionError,
    SizeLimitError,
    TemplateExecutionError,
    TemplateLimitError,
)
from sakshi.template.escape import HtmlEscaper
from sakshi.template.node import (
    Action,
    Block,
    Break,
    Call,
    Chain,
    Command,
    Continue,
    Field,
    Function,
    If,
    Literal,
    Node,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
)
from sakshi.template.printing import Builder, print_value
from sakshi.template.value import SafeHtml, get_field, is_true, sorted_items, type_name

CHARACTERS_PER_STEP: Final = 100  # a long string costs as much as the steps it could have been


@dataclass(frozen=True)
class Limits:
    """What one execution may use.

    Args:
        steps_max: nodes evaluated, and 100 characters computed are one more; 100,000 take 0.2 s.
        depth_max: blocks, parentheses and template calls inside one another.
        output_max: characters printed.
    """

    steps_max: int = 100_000
    depth_max: int = 100
    output_max: int = 1 << 20


@dataclass(frozen=True)
class Definition:
    """A named template, with the text that its positions refer to."""

    block: Block
    locate: Callable[[int], tuple[str, int, int]]


class _Break(Exception):
    """Control flow, not an error: leaves a range."""


class _Continue(Exception):
    """Control flow, not an error: goes on with a range."""


class Execution:
    """One run of one template.

    Args:
        functions: by name, the language's own included.
        definitions: named templates.
        limits: what it may use.
        html: whether values are escaped.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        definitions: Mapping[str, Definition],
        limits: Limits,
        *,
        html: bool,
    ) -> None:
        self._functions, self._definitions, self._limits = functions, definitions, limits
        self._output = Builder(limits.output_max)
        self._escaper = HtmlEscaper() if html else None
        self._steps = self._depth = 0
        self._variables: list[tuple[str, Any]] = []
        self._locate: Callable[[int], tuple[str, int, int]] = lambda position: ("", 1, position)

    def run(self, template: Definition, data: Any, variables: Mapping[str, Any]) -> str:
        """Return the output.

        Raises:
            TemplateExecutionError: the data or a function does not give what is asked for.
            TemplateLimitError: a budget is used up.
        """
        self._call(template, data, variables)
        return self._output.text()

    # Blocks.

    def _call(self, template: Definition, data: Any, variables: Mapping[str, Any]) -> None:
        outer = self._variables, self._locate
        self._locate = template.locate
        self._variables = [("$", data), *variables.items()]
        self._walk(template.block, data)
        self._variables, self._locate = outer

    def _walk(self, block: Block, dot: Any) -> None:
        self._depth += 1
        count = len(self._variables)
        try:
            for node in block:
                self._step(node)
                _WALKERS[type(node)](self, node, dot)
        finally:
            del self._variables[count:]
            self._depth -= 1

    def _step(self, node: Node) -> None:
        self._steps += 1
        if self._steps > self._limits.steps_max:
            self._exceed(node, f"more than {self._limits.steps_max} steps")
        if self._depth > self._limits.depth_max:
            self._exceed(node, f"nested deeper than {self._limits.depth_max}")

    def _walk_text(self, node: Text, dot: Any) -> None:
        if self._escaper is not None:
            self._escaper.follow(node.text)
        self._print(node, node.text)

    def _walk_action(self, node: Action, dot: Any) -> None:
        value = self._pipeline(node.pipeline, dot)
        if node.pipeline.variables:
            return
        text = value if isinstance(value, SafeHtml) else self._guard(node, print_value, value)
        if self._escaper is not None:
            text = self._guard(node, self._escaper.escape, text)
        self._print(node, text)

    def _print(self, node: Node, text: str) -> None:
        try:
            self._output.add(text)
        except SizeLimitError as error:
            raise TemplateLimitError(*self._locate(node.position), f"output: {error}") from None

    def _walk_if(self, node: If, dot: Any) -> None:
        self._in_scope(lambda: self._choose(node, self._pipeline(node.pipeline, dot), dot, dot))

    def _walk_with(self, node: With, dot: Any) -> None:
        def choose() -> None:
            value = self._pipeline(node.pipeline, dot)
            self._choose(node, value, value, dot)

        self._in_scope(choose)

    def _choose(self, node: If | With, value: Any, inner: Any, outer: Any) -> None:
        if is_true(value):
            self._walk(node.body, inner)
        else:
            self._walk(node.otherwise, outer)

    def _in_scope(self, body: Callable[[], None]) -> None:
        count = len(self._variables)
        try:
            body()
        finally:
            del self._variables[count:]

    def _walk_range(self, node: Range, dot: Any) -> None:
        self._in_scope(lambda: self._range(node, dot))

    def _range(self, node: Range, dot: Any) -> None:
        pipeline = node.pipeline
        value = self._commands(pipeline, dot)
        items = self._items(node, value)
        if not items:
            self._walk(node.otherwise, dot)
        count = len(self._variables)
        for key, element in items:
            self._step(node)
            self._bind(node, pipeline, (key, element)[2 - max(len(pipeline.variables), 1) :])
            try:
                self._walk(node.body, element)
            except _Continue:
                continue
            except _Break:
                break
            finally:
                if not pipeline.assigns:
                    del self._variables[count:]

    def _items(self, node: Range, value: Any) -> Sequence[tuple[Any, Any]]:
        if isinstance(value, Mapping):
            return sorted_items(value)
        if isinstance(value, list | tuple):
            return list(enumerate(value))
        if value is None:
            return ()
        if not isinstance(value, int) or isinstance(value, bool):
            self._fail(node, f"range cannot go over a {type_name(value)}")
        return [(number, number) for number in range(min(value, self._limits.steps_max + 1))]

    def _bind(self, node: Node, pipeline: Pipeline, values: Iterable[Any]) -> None:
        for name, value in zip(pipeline.variables, values, strict=False):
            if pipeline.assigns:
                self._assign(node, name, value)
            else:
                self._variables.append((name, value))

    def _assign(self, node: Node, name: str, value: Any) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        self._fail(node, f'variable "{name}" is not defined')

    def _walk_break(self, node: Break, dot: Any) -> None:
        raise _Break

    def _walk_continue(self, node: Continue, dot: Any) -> None:
        raise _Continue

    def _walk_call(self, node: Call, dot: Any) -> None:
        definition = self._definitions.get(node.name)
        if definition is None:
            self._fail(node, f'there is no template "{node.name}"')
        else:
            data = None if node.pipeline is None else self._pipeline(node.pipeline, dot)
            self._call(definition, data, {})

    # Values.

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value = self._commands(pipeline, dot)
        self._bind(pipeline, pipeline, (value,))
        return value

    def _commands(self, pipeline: Pipeline, dot: Any) -> Any:
        self._depth += 1
        piped: tuple[Any, ...] = ()
        for command in pipeline.commands:
            self._step(command)
            piped = (self._command(command, dot, piped),)
        self._depth -= 1
        return piped[0]

    def _command(self, command: Command, dot: Any, piped: tuple[Any, ...]) -> Any:
        first, rest = command.operands[0], command.operands[1:]
        if isinstance(first, Function):
            return self._function(first, rest, dot, piped)
        if isinstance(first, Literal | Pipeline) and (rest or piped):
            self._fail(first, "a value that is no function cannot take arguments")
        if not rest and not piped:
            return self._operand(first, dot)
        arguments = [self._operand(operand, dot) for operand in rest]
        return self._operand(first, dot, (*arguments, *piped))

    def _function(
        self, node: Function, operands: Sequence[Node], dot: Any, piped: tuple[Any, ...]
    ) -> Any:
        if node.name in SHORT_CIRCUITS:
            return self._short_circuit(node, operands, dot, piped)
        function = self._functions.get(node.name)
        if function is None:
            self._fail(node, f'function "{node.name}" is not available here')
        arguments = [self._operand(operand, dot) for operand in operands]
        return self._guard(node, function, *arguments, *piped)

    def _short_circuit(
        self, node: Function, operands: Sequence[Node], dot: Any, piped: tuple[Any, ...]
    ) -> Any:
        """Return the first operand that decides an `and` or `or`, or the last; stop there."""
        value = None
        if not operands and not piped:
            self._fail(node, f"{node.name} takes at least one argument")
        for operand in operands:
            value = self._operand(operand, dot)
            if is_true(value) == (node.name == "or"):
                return value
        return piped[0] if piped else value

    def _operand(self, node: Node, dot: Any, arguments: tuple[Any, ...] = ()) -> Any:
        match node:
            case Literal(value):
                return value
            case Field(names):
                return self._fields(node, dot, names, arguments)
            case Variable(name, names):
                return self._fields(node, self._variable(node, name), names, arguments)
            case Chain(pipeline, names):
                return self._fields(node, self._pipeline(pipeline, dot), names, arguments)
            case Pipeline():
                return self._pipeline(node, dot)
            case Function():
                return self._function(node, (), dot, ())
        return None  # Nil

    def _variable(self, node: Node, name: str) -> Any:
        found = [value for candidate, value in self._variables if candidate == name]
        if not found:
            self._fail(node, f'variable "{name}" is not defined')
        return found[-1]

    def _fields(
        self, node: Node, value: Any, names: Sequence[str], arguments: tuple[Any, ...]
    ) -> Any:
        """Follow field names; a method is called, the last one with the arguments."""
        for index, name in enumerate(names):
            value = self._guard(node, get_field, value, name)
            is_last = index == len(names) - 1
            if callable(value):
                value = self._guard(node, value, *(arguments if is_last else ()))
            elif arguments and is_last:
                self._fail(node, f"{name} is no method and cannot take arguments")
        if arguments and not names:
            self._fail(node, "a value that is no function cannot take arguments")
        return value

    def _guard(self, node: Node, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function; give its errors a place, and charge for long strings."""
        try:
            value = function(*arguments)
        except SizeLimitError as error:
            raise TemplateLimitError(*self._locate(node.position), str(error)) from None
        except (SakshiError, TypeError, ValueError, AttributeError) as error:
            reason = error if isinstance(error, FunctionError | SakshiError) else _describe(error)
            self._fail(node, f"{_name_of(node)}{reason}")
        if isinstance(value, str):
            self._steps += len(value) // CHARACTERS_PER_STEP
            if len(value) > self._limits.output_max:
                self._exceed(node, f"a text longer than {self._limits.output_max} characters")
        return value

    def _fail(self, node: Node, message: str) -> NoReturn:
        raise TemplateExecutionError(*self._locate(node.position), message) from None

    def _exceed(self, node: Node, message: str) -> NoReturn:
        raise TemplateLimitError(*self._locate(node.position), message)


def _name_of(node: Node) -> str:
    return f"{node.name}: " if isinstance(node, Function) else ""


def _describe(error: Exception) -> str:
    """Return a complaint about arguments without the names that it has in Python."""
    return "wrong number or type of arguments" if isinstance(error, TypeError) else str(error)


_WALKERS: Final[Mapping[type[Node], Callable[[Any, Any, Any], None]]] = {
    Text: Execution._walk_text,
    Action: Execution._walk_action,
    If: Execution._walk_if,
    With: Execution._walk_with,
    Range: Execution._walk_range,
    Break: Execution._walk_break,
    Continue: Execution._walk_continue,
    Call: Execution._walk_call,
}
