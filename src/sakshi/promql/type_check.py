"""Type checks of single nodes: what the grammar allows and the meaning does not.

Each function looks at one node whose children were checked before, and raises QuerySyntaxError at
the place in the text that has to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sakshi.model.labels import quote_value
from sakshi.model.matcher import Matcher
from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    Extension,
    Unary,
    ValueType,
    VectorMatching,
    extension_of,
)
from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.function import FunctionSignature
from sakshi.promql.operator import COMPARISONS, SET_OPERATORS

EXTENDABLE: Final = {
    Extension.ANCHORED: frozenset({"changes", "delta", "increase", "rate", "resets"}),
    Extension.SMOOTHED: frozenset({"delta", "increase", "rate"}),
}
"""The functions that know what to do with the edges of an extended range."""


def check_type(text: str, expr: Expr, wanted: ValueType, role: str) -> None:
    """Refuse an expression of another type; `role` says what it is: `as argument 1 of rate()`."""
    if expr.type is not wanted:
        raise QuerySyntaxError.at(text, expr.span.start, f"{wanted.noun} {role}", expr.type.noun)


def check_matchers(text: str, matchers: Sequence[Matcher], start: int) -> None:
    """Refuse a selector that would select everything, such as `{}` or `{job=~".*"}`."""
    if all(matcher.matches("") for matcher in matchers):
        expected = "at least one matcher that does not match the empty string"
        found = ",".join(map(str, matchers))
        raise QuerySyntaxError.at(text, start, expected, f"{{{found}}}")


def check_call(text: str, call: Call, signature: FunctionSignature) -> None:
    """Refuse a wrong number of arguments, or one of the wrong type."""
    count = len(call.arguments)
    least, most = signature.arguments_min, signature.arguments_max
    if count < least or (most is not None and count > most):
        expected = f"{_argument_count(least, most)} in the call of {signature.name}()"
        raise QuerySyntaxError.at(text, call.span.start, expected, str(count))
    for index, argument in enumerate(call.arguments):
        wanted = signature.argument_type(index)
        if argument.type is not wanted:  # checked here too: the words are made only when needed
            check_type(text, argument, wanted, f"as argument {index + 1} of {signature.name}()")
    _check_extension(text, call)


def _check_extension(text: str, call: Call) -> None:
    """Refuse an anchored or smoothed range in a function that makes nothing of its edges."""
    for argument in call.arguments:
        extension = extension_of(argument)
        if extension is not None and call.function not in EXTENDABLE[extension]:
            functions = ", ".join(sorted(EXTENDABLE[extension]))
            expected = f'one of {functions} around a range that is "{extension}"'
            raise QuerySyntaxError.at(text, call.span.start, expected, f"{call.function}()")


def _argument_count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'s' if least != 1 else ''}"
    if least != most:
        return f"{least} to {most} arguments"
    return "no argument" if most == 0 else f"{most} argument{'s' if most != 1 else ''}"


def check_aggregation(text: str, aggregation: Aggregation) -> None:
    """Refuse an operand that is no instant vector, or a parameter of the wrong type."""
    operator, parameter = aggregation.operator, aggregation.parameter
    if parameter is not None:
        wanted = ValueType.STRING if operator == "count_values" else ValueType.SCALAR
        check_type(text, parameter, wanted, f"as the parameter of {operator}")
    check_type(text, aggregation.expr, ValueType.VECTOR, f"as the operand of {operator}")


def check_unary(text: str, unary: Unary) -> None:
    """Refuse a sign before a string or a range vector."""
    operand = unary.expr
    if operand.type not in (ValueType.SCALAR, ValueType.VECTOR):
        expected = f'a scalar or an instant vector after "{unary.operator}"'
        raise QuerySyntaxError.at(text, operand.span.start, expected, operand.type.noun)


def check_binary(text: str, binary: Binary, start: int, written: VectorMatching | None) -> None:
    """Refuse operands, modifiers and an operator that do not fit together.

    Args:
        text: the query.
        binary: the node.
        start: of the operator, where complaints about it and its modifiers point.
        written: the matching as it stands in the text; None where nothing stands there.
    """
    operator = binary.operator
    for operand in (binary.left, binary.right):
        if operand.type not in (ValueType.SCALAR, ValueType.VECTOR):
            expected = f'a scalar or an instant vector as operand of "{operator}"'
            raise QuerySyntaxError.at(text, operand.span.start, expected, operand.type.noun)
    if problem := _operator_problem(binary) or (written and _matching_problem(binary, written)):
        raise QuerySyntaxError.at(text, start, *problem)


_Problem = tuple[str, str]  # expected, found


def _operator_problem(binary: Binary) -> _Problem | None:
    operator = binary.operator
    if binary.return_bool and operator not in COMPARISONS:
        return 'a comparison before "bool"', f'"{operator}"'
    if operator in SET_OPERATORS and binary.matching is None:
        return f'instant vectors on both sides of "{operator}"', "a scalar"
    if operator in COMPARISONS and not binary.return_bool and binary.type is ValueType.SCALAR:
        return f'"{operator} bool" between scalars', f'"{operator}"'
    return None


def _matching_problem(binary: Binary, written: VectorMatching) -> _Problem | None:
    fills = written.fill_left is not None or written.fill_right is not None
    if binary.matching is None:
        if written.labels:
            return 'instant vectors on both sides of "on" and "ignoring"', "a scalar"
        return ('instant vectors on both sides of "fill"', "a scalar") if fills else None
    if fills and binary.operator in SET_OPERATORS:
        return f'no "fill" for "{binary.operator}"', "one"
    if written.cardinality is Cardinality.ONE_TO_ONE:
        return None
    group = "group_left" if written.cardinality is Cardinality.MANY_TO_ONE else "group_right"
    if binary.operator in SET_OPERATORS:
        return f'no grouping for "{binary.operator}"', f'"{group}"'
    twice = [label for label in written.include if label in written.labels]
    if written.on and twice:
        return f'labels in either "on" or "{group}"', f"{quote_value(twice[0])} in both"
    return None
