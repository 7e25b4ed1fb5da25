from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pytest

from sakshi.template import (
    KV,
    ZERO_MOMENT,
    Alerts,
    FunctionError,
    Limits,
    Moment,
    Template,
    TemplateError,
    TemplateExecutionError,
    TemplateLimitError,
    alertmanager_functions,
    collect_definitions,
    parse_template,
    prometheus_functions,
)

STARTED = Moment.from_ms(1_700_000_000_000)


@dataclass(frozen=True)
class Alert:
    Status: str
    Labels: Any
    StartsAt: Moment = STARTED
    EndsAt: Moment = ZERO_MOMENT


@dataclass(frozen=True)
class Data:
    """A notification's data, as Alertmanager names it; plain lists and mappings work too."""

    Status: str = "firing"
    Receiver: str = "team"
    GroupLabels: Any = field(default_factory=lambda: KV(alertname="Slow"))
    CommonLabels: Any = field(default_factory=lambda: KV(severity="critical", alertname="Slow"))
    Alerts: Any = ()
    ExternalURL: str = "https://sakshi.example"
    hidden: str = "not for templates"

    def Greeting(self, name: str) -> str:
        return f"hello {name}"


ALERTS = Alerts(
    [
        Alert("firing", KV(job="a")),
        Alert("resolved", KV(job="b")),
        Alert("firing", KV(job="c")),
    ]
)


def execute(text: str, data: Any = None, **options: Any) -> str:
    functions = alertmanager_functions(1_700_000_090_000)
    return parse_template("t", text).execute(data or Data(Alerts=ALERTS), functions, **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Status | toUpper }}: {{ len .Alerts.Firing }}/{{ .Alerts | len }}", "FIRING: 2/3"),
        ("{{ range .Alerts.Firing }}{{ .Labels.job }} {{ end }}", "a c "),
        ("{{ range .Alerts.Resolved }}{{ .Labels.job }} {{ end }}", "b "),
        ("{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}",
         "alertname=Slow severity=critical "),
        ("{{ .CommonLabels.Names | join `, ` }}|{{ join `-` .CommonLabels.Values }}",
         "alertname, severity|Slow-critical"),
        ("{{ (.CommonLabels.Remove (stringSlice `severity`)).SortedPairs.Values | join `` }}",
         "Slow"),
        ("{{ .CommonLabels.Remove .GroupLabels.Names }}", "severity=critical"),
        ("{{ .CommonLabels }}", "alertname=Slow, severity=critical"),
        ("{{ .CommonLabels.nothing }}|{{ index .CommonLabels `severity` }}", "|critical"),
        ("{{ .Greeting `ada` }}", "hello ada"),
        ("{{ `ada` | .Greeting }}", "hello ada"),
        ("{{ (index .Alerts 0).StartsAt.Format `15:04:05 MST` }}", "22:13:20 UTC"),
        ("{{ with index .Alerts 0 }}{{ .StartsAt | date `2006-01-02` }}{{ end }}", "2023-11-14"),
        ("{{ (index .Alerts 0).StartsAt | tz `Europe/Paris` }}", "2023-11-14 23:13:20 +0100 CET"),
        ("{{ (index .Alerts 0).StartsAt | since | humanizeDuration }}", "1m 30s"),
        ("{{ (index .Alerts 0).EndsAt.IsZero }}", "true"),
        ("{{ title `HIGH load` }} {{ trimSpace `  x ` }} {{ toJson .GroupLabels }}",
         'High Load x {"alertname":"Slow"}'),
        ("{{ urlUnescape `a%20b` }} {{ (dict `a` 1).a }} {{ list 1 2 }}", "a b 1 [1 2]"),
        ("{{ range $i, $a := .Alerts }}{{ $i }}{{ $a.Status }} {{ end }}",
         "0firing 1resolved 2firing "),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ $job := `` }}{{ range $job = .Alerts }}{{ end }}{{ $job.Labels.job }}", "c"),
        ("{{ (tz `Asia/Tokyo` (index .Alerts 0).StartsAt).UTC.Format `15:04Z07:00` }}", "22:13Z"),
        ("{{ with .Nothing }}{{ else with .Status }}{{ . }}{{ end }}", "firing"),
    ],
)  # fmt: skip
def test_notifications_are_written(text: str, expected: str) -> None:
    """Data, methods and functions are those of Alertmanager's templates."""
    data = {**vars(Data(Alerts=ALERTS)), "Greeting": Data().Greeting}

    assert execute(text, data if "Nothing" in text else None) == expected


def test_plain_lists_and_mappings_have_alertmanagers_methods() -> None:
    """Whoever gives plain data can use the same templates."""
    data = {"CommonLabels": {"b": "2", "a": "1"}, "Alerts": [{"Status": "firing"}]}
    pairs = "{{ range .CommonLabels.SortedPairs }}{{ .Name }}{{ .Value }}{{ end }}"
    text = pairs + "{{ len .Alerts.Firing }}"

    assert execute(text, data) == "a1b21"


def test_labels_have_a_json_form() -> None:
    """Any mapping has one, not only those that Python's own JSON knows."""
    text = "{{ toJson . }}"

    assert execute(text, {"labels": MappingProxyType({"job": "a"})}) == '{"labels":{"job":"a"}}'


def test_named_templates_come_from_other_files() -> None:
    """A receiver's text uses what template files define; of two with one name the later counts."""
    files = [
        parse_template("a.tmpl", '{{ define "title" }}old{{ end }}{{ define "x" }}X{{ end }}'),
        parse_template("b.tmpl", '{{ define "title" }}{{ template "x" }} {{ .Status }}{{ end }}'),
    ]
    definitions = collect_definitions(files)

    assert execute('{{ template "title" . }}', definitions=definitions) == "X firing"


def test_a_named_template_is_a_template() -> None:
    """One definition of a file can be executed by name."""
    template = parse_template("t", '{{ define "a" }}<{{ . }}>{{ end }}text')

    assert template.named("a").execute("x", {}) == "<x>"
    with pytest.raises(TemplateExecutionError, match='t:1:1: there is no template "b"'):
        template.named("b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .None }}", "1:4: there is no field None in a Data"),
        ("{{ .hidden }}", "1:4: there is no field hidden in a Data"),
        ("{{ .__class__ }}", "1:4: there is no field __class__ in a Data"),
        ("{{ .Status.upper }}", "1:4: there is no field upper in a string"),
        ("{{ .Greeting.__globals__ }}", "1:4: wrong number or type of arguments"),
        ("{{ .Status 1 }}", "1:4: Status is no method and cannot take arguments"),
        ("{{ . 1 }}", "1:4: a value that is no function cannot take arguments"),
        ("{{ (print) 1 }}", "1:5: a value that is no function cannot take arguments"),
        ("{{ template `none` }}", '1:4: there is no template "none"'),
        ("{{ define `a` }}{{ .X }}{{ end }}{{ template `a` }}", "1:20: nil has no field X"),
        ("{{ gt 1 1.0 }}",
         "1:4: gt: int and float64 cannot be compared (write 1.0 instead of 1)"),
        ("{{ eq .Alerts .Alerts }}", "1:4: eq: a slice cannot be compared"),
        ("{{ lt true false }}", "1:4: lt: truth values have no order"),
        ("{{ eq 1 }}", "1:4: eq: eq takes at least two arguments"),
        ("{{ index .Alerts 7 }}", "1:4: index: index 7 is out of range 0 to 2"),
        ("{{ index .Alerts `a` }}", "1:4: index: a string is no index"),
        ("{{ index 5 0 }}", "1:4: index: a int cannot be indexed"),
        ("{{ slice `abc` 0 1 2 }}", "1:4: slice: slice takes at most two bounds"),
        ("{{ slice `abc` 2 1 }}", "1:4: slice: a slice cannot go from 2 to 1"),
        ("{{ len 5 }}", "1:4: len: a int has no length"),
        ("{{ range .Status }}{{ end }}", "1:4: range cannot go over a string"),
        ("{{ toUpper 5 }}", "1:4: toUpper: expected a string, found a int"),
        ("{{ toUpper .GroupLabels }}", "1:4: toUpper: expected a string, found a map"),
        ("{{ toUpper }}", "1:4: toUpper: wrong number or type of arguments"),
        ("{{ match `(` `x` }}",
         '1:4: match: missing ): ( in the regular expression "("'),
        ("{{ humanizeDuration `x` }}", '1:4: humanizeDuration: "x" is no number'),
        ("{{ humanizeDuration true }}", "1:4: humanizeDuration: a bool is no number"),
        ("{{ toJson .Alerts }}", "1:4: toJson: a Alert has no JSON form"),
        ("{{ tz `Nowhere/City` (index .Alerts 0).StartsAt }}",
         '1:4: tz: there is no time zone "Nowhere/City"'),
        ("{{ and }}", "1:4: and takes at least one argument"),
        ("{{ query `up` }}", '1:4: function "query" is not available here'),
        ("{{ if true }}\n{{ $x := 1 }}{{ else }}{{ end }}\n{{ .Bad }}",
         "3:4: there is no field Bad in a Data"),
        ("{{ if false }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}",
         '1:41: variable "$x" is not defined'),
        ("{{ if false }}{{ $x := 1 }}{{ else }}{{ $x = 2 }}{{ end }}",
         '1:41: variable "$x" is not defined'),
    ],
)  # fmt: skip
def test_what_cannot_be_executed_names_its_place(text: str, message: str) -> None:
    """Errors name template, line, column and reason."""
    with pytest.raises(TemplateExecutionError) as caught:
        execute(text)

    assert str(caught.value) == f"t:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ parseDuration `x` }}",
         '1:4: parseDuration: expected a duration like "30s" or "1h30m", found "x"'),
        ("{{ toTime `NaN` }}", "1:4: toTime: NaN is no time"),
        ("{{ toTime 1e12 }}", "1:4: toTime: no year from 1 to 9999 holds 1000000000000000 ms"),
        ("{{ query `up` | first }}", "1:4: query: no queries here"),
        ("{{ first . }}", "1:4: first: first() called on vector with no elements"),
    ],
)  # fmt: skip
def test_what_a_rules_function_cannot_do_is_said(text: str, message: str) -> None:
    """The functions of rules' templates name their place, too."""
    with pytest.raises(TemplateExecutionError) as caught:
        parse_template("t", text).execute([], prometheus_functions())

    assert str(caught.value) == f"t:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ range 999999999 }}{{ end }}", "more than 100000 steps"),
        ("{{ define `a` }}{{ template `a` }}{{ end }}{{ template `a` }}", "nested deeper than 100"),
        ("{{ range 2000 }}" + "x" * 1000 + "{{ end }}", "output: the text is longer than 1048576"),
        ("{{ $x := `ab` }}{{ range 99 }}{{ $x = print $x $x }}{{ end }}", "longer than 1048576"),
        ("{{ printf `%999999d%999999d` 1 2 }}", "longer than 1048576"),
        ("{{ $x := printf `%999999d` 1 }}{{ reReplaceAll `.` $x $x }}", "longer than 1048576"),
        ("{{ $x := printf `%999999d` 1 }}{{ range 9999 }}{{ $y := print $x }}{{ end }}", "steps"),
    ],
)  # fmt: skip
def test_execution_has_limits(text: str, message: str) -> None:
    """Steps, depth and size are bounded, whatever the template asks for."""
    with pytest.raises(TemplateLimitError, match=message):
        execute(text)


@pytest.mark.parametrize("width", ["2000000", "-2000000", "99999999999"])
def test_a_width_takes_no_memory(width: str) -> None:
    """Beyond a million, Go calls a width bad; written out, it lets through ten times as much."""
    assert execute(f"{{{{ printf `%*d` {width} 7 }}}}") == "%!(BADWIDTH)7"
    assert execute(f"{{{{ printf `%{width}d` 7 }}}}") == "%!(BADWIDTH)7"


def test_limits_can_be_narrower() -> None:
    """Who needs a short text may say so."""
    assert execute("12345", limits=Limits(output_max=5)) == "12345"
    with pytest.raises(TemplateLimitError, match="output: the text is longer than 4 characters"):
        execute("12345", limits=Limits(output_max=4))
    with pytest.raises(TemplateLimitError, match="t:1:10: a text longer than 4 characters"):
        execute("{{ $x := toUpper `abcde` }}", limits=Limits(output_max=4))  # never printed


def test_a_group_of_5000_digits_is_no_group() -> None:
    """A number that no expression has as many groups as stands for nothing, like any other."""
    assert execute("{{ reReplaceAll `b` `<$" + "1" * 5000 + ">` `abc` }}") == "a<>c"


def test_an_error_of_a_given_function_has_a_place() -> None:
    """What the caller's functions raise becomes the template's error."""

    def fail() -> None:
        raise FunctionError("no luck")

    template: Template = parse_template("t", "a {{ fail }}", functions=["fail"])

    with pytest.raises(TemplateExecutionError, match="t:1:6: fail: no luck"):
        template.execute(None, {"fail": fail})


def test_random_templates_only_raise_the_languages_errors() -> None:
    """Pieces of templates in any order are executed, or refused as they should be (seed 7)."""
    pieces = [
        "{{", "}}", "{{ ", " }}", "-", "- ", ".", " .Status", "$x", " := ", " = ", "|", "(", ")",
        "if ", "range ", "with ", "else", "end", "template ", "define ", "`a`", '"b"', " 1", " 2.5",
        "print ", "eq ", "len ", "index ", "slice ", ".Alerts", "text", "/*", "*/", ",", "$i, $e",
        "{{ end }}", "{{ if . }}", "{{ range .Alerts }}", "{{ break }}", "printf `%*[3]d` ", "'x'",
        "and ", "or ", "not ", "nil", "true", "toUpper ", "join ", "html ", "{{ else }}",
    ]  # fmt: skip
    choose = random.Random(7)
    executed = 0
    for _ in range(5_000):
        text = "".join(choose.choices(pieces, k=choose.randrange(1, 12)))
        try:
            execute(text, html=choose.random() < 0.5)
            executed += 1
        except TemplateError:
            pass

    assert executed > 100
