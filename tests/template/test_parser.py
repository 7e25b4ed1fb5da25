"""What is a template and what is not: messages of ours, and Prometheus' agreement."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from sakshi.template import (
    PROMETHEUS_NAMES,
    TemplateLimitError,
    TemplateSyntaxError,
    parse_template,
)

GOOD = [
    "",
    "{{ . }}{{- . -}}{{.}}",
    "{{/* a comment */}}{{- /* another */ -}}",
    '{{ `raw }}` }}{{ "quoted }}" }}',
    "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}{{ $ }}",
    "{{ range $i, $e := .Labels }}{{ break }}{{ end }}",
    "{{ range . }}{{ continue }}{{ else }}x{{ end }}",
    "{{ if . }}{{ else if . }}{{ else if . }}{{ else }}{{ end }}",
    "{{ with $x := . }}{{ $x }}{{ end }}",
    '{{ define "a" }}{{ end }}{{ template "a" }}{{ template `a` . }}{{ block "b" . }}{{ end }}',
    "{{ (.Labels).job }}{{ (print 1).x }}{{ $.Labels.job.deep }}",
    "{{ eq .Value 1.5 | not | print }}",
    "{{ print nil }}{{ print -1 +2 .5 0x1f 'a' '\\n' \"\\u00e9\" }}",
    "{{\n.\n}}",
    "}} }",
    '{{ template "later" }}{{ define "later" }}{{ end }}',
    "{{ len `a` | printf `%d` }}{{ true | print }}",
    "{{ .Labels.job | .Labels.x }}",
]
BAD = [
    ("{{", "1:1: expected }} to end the action"),
    ("a {{ b", "1:3: expected }} to end the action"),
    ("{{ . ", "1:1: expected }} to end the action"),
    ("{{ }}", '1:4: expected a command, found "}}"'),
    ("{{ | print }}", '1:4: expected a command, found "|"'),
    ("{{ print | }}", '1:12: expected a command after "|", found "}}"'),
    ("{{ if }}{{ end }}", '1:7: expected a value for if, found "}}"'),
    ("{{ if . }}", "1:4: expected {{end}} to close this if"),
    ("{{ if . }}{{ else }}{{ else }}{{ end }}", "1:24: a second else in one if"),
    ("{{ end }}", "1:4: unexpected {{end}} outside of a block"),
    ("\n {{ else }}", "2:5: unexpected {{else}} outside of a block"),
    ("{{ break }}", "1:4: {{break}} outside of a range"),
    ("{{ if . }}{{ continue }}{{ end }}", "1:14: {{continue}} outside of a range"),
    ("{{ $x }}", '1:4: variable "$x" is not defined'),
    ("{{ $x = 1 }}", '1:4: variable "$x" is not defined'),
    ("{{ if . }}{{ $x := 1 }}{{ end }}{{ $x }}", '1:36: variable "$x" is not defined'),
    ("{{ define `a` }}{{ $labels }}{{ end }}", '1:20: variable "$labels" is not defined'),
    ("{{ $a, $b := . }}", "1:6: too many variables"),
    ("{{ nothing 1 }}", '1:4: function "nothing" is not defined'),
    ("{{ stringSlice `a` }}", '1:4: function "stringSlice" is not defined'),
    ("{{ nil }}", "1:4: nil is no command"),
    ("{{ 1 2 }}", "1:6: a constant cannot take arguments"),
    ("{{ 1 | 2 }}", "1:6: a constant cannot take a piped value"),
    ("{{ 1 | . }}", "1:6: the dot cannot take a piped value"),
    ("{{ (1 }}", '1:4: expected ")" to close this parenthesis'),
    ("{{ 1) }}", '1:5: expected "}}", found ")"'),
    ("{{ () }}", '1:5: expected a value after "(", found ")"'),
    ('{{ "abc }}', '1:4: expected another " to end the string'),
    ('{{ "a\\q" }}', "1:4: unknown escape \\q"),
    ('{{ "\\777" }}', "1:4: unknown escape \\777"),
    ('{{ "\\ud800" }}', "1:4: no character has the code \\ud800"),
    ("{{ 1, 2 }}", '1:5: expected an operand, found ","'),
    ("{{ `abc }}", "1:4: expected another ` to end the string"),
    ("{{ 'ab' }}", "1:4: expected one character, found 'ab'"),
    ("{{ 3k }}", '1:5: expected a blank before "k"'),
    ("{{ 1.2.3 }}", '1:7: expected a blank before ".3"'),
    ("{{ 0x }}", '1:5: expected a blank before "x"'),
    ("{{ 99999999999999999999 }}", "1:4: 99999999999999999999 does not fit in 64 bits"),
    ("{{ print`a` }}", '1:9: expected a blank before "`a`"'),
    ("{{ @ }}", '1:4: unexpected "@" in an action'),
    ("{{ .a% }}", '1:6: unexpected "%" in an action'),
    ("{{ /* never closed }}", '1:4: unexpected "/" in an action'),
    ("{{/* never closed }}", "1:1: expected */ to end the comment"),
    ("{{/* a */ . }}", "1:10: expected the action to end with its comment"),
    ("{{ template a }}", '1:13: expected a name in quotes after template, found "a"'),
    ("{{ define }}x{{ end }}", '1:11: expected a name in quotes after define, found "}}"'),
    ("{{ define `a` }}x", "1:4: expected {{end}} to close this define"),
    ("{{ if . }}{{ define `a` }}{{ end }}{{ end }}", "1:14: a define inside of another block"),
    ("{{ define `a` }}x{{ end }}{{ define `a` }}y{{ end }}",
     '1:30: the template "a" is defined twice'),
    ("{{ true.x }}", '1:4: unexpected ".x" after a constant or function'),
    ("{{ if . }}{{ else x }}{{ end }}", '1:19: expected "}}", found "x"'),
    ("{{ print end }}", '1:10: expected an operand, found "end"'),
    ("{{ print := 1 }}", '1:10: expected an operand, found ":="'),
]  # fmt: skip


STRICTER = ["{{ print | }}", "{{ $x = 1 }}", "{{ nil }}", "{{ 1 2 }}"]
"""Go reads these and fails (or does nothing) when it executes them; we say so at once."""


def parse(text: str) -> None:
    variables = ["$labels", "$externalLabels", "$externalURL", "$value"]
    parse_template("t", text, functions=PROMETHEUS_NAMES, variables=variables)


@pytest.mark.parametrize("text", GOOD)
def test_a_template_is_read(text: str) -> None:
    """What Go's language allows is read."""
    parse(text)


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_template_is_refused_with_its_place(text: str, message: str) -> None:
    """The error names line, column, what was expected and what came."""
    with pytest.raises(TemplateSyntaxError) as caught:
        parse(text)

    assert re.sub(r"^t:", "", str(caught.value)) == message


def test_prometheus_reads_and_refuses_the_same(promtool: str, tmp_path: Path) -> None:
    """Promtool refuses exactly those that we refuse, but for the few that cannot work either."""
    good = [*GOOD, *STRICTER]
    texts = [*good, *(text for text, _ in BAD if text not in STRICTER)]
    rules = [
        {"alert": f"Case{index}", "expr": "up", "annotations": {f"case_{index}": text}}
        for index, text in enumerate(texts)
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "cases", "rules": rules}]})
    )

    result = subprocess.run(
        [promtool, "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    refused = {int(index) for index in re.findall(r'annotation "case_(\d+)"', result.stderr)}
    assert refused == set(range(len(good), len(texts))), [
        texts[index] for index in sorted(refused ^ set(range(len(good), len(texts))))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("x" * (1 << 20) + "y", "1:1: the text is longer than 1048576", id="length"),
        pytest.param("{{ " + "(" * 61, "1:64: nested deeper than 60", id="parentheses"),
        pytest.param("{{ if . }}" * 61, "1:604: nested deeper than 60", id="blocks"),
    ],
)
def test_reading_has_limits(text: str, message: str) -> None:
    """Length and depth are bounded, with an error and not a crash."""
    with pytest.raises(TemplateLimitError, match=re.escape(message)):
        parse(text if "(" not in text else text + "1" + ")" * 61 + " }}")


def test_every_prefix_is_read_or_refused() -> None:
    """No cut of a template, however unlucky, raises anything but the language's own errors."""
    whole = "".join(GOOD)
    for end in range(len(whole)):
        with suppress(TemplateSyntaxError):
            parse(whole[:end])
