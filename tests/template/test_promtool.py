"""Templates compared with Prometheus itself: promtool expands each one and must see our text."""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from sakshi.template import Sample, parse_template, prometheus_functions

TEMPLATES = [
    "plain text, {{ $value }} of {{ $labels.job }}",
    "{{ .Value }}|{{ .Labels.job }}|{{ $labels.missing }}|{{ .Labels }}",
    "a {{- /* taken away */ -}}  b {{- `x` }} {{ `y` -}} c",
    "{{ if gt $value 0.5 }}high{{ else if eq $value 0.25 }}quarter{{ else }}low{{ end }}",
    "{{ if and .Labels.job (not .Labels.missing) }}yes{{ end }}{{ or .Labels.missing `none` }}",
    "{{ range $name, $text := $labels }}{{ $name }}={{ $text }};{{ end }}",
    "{{ range $labels }}[{{ . }}]{{ else }}none{{ end }}",
    "{{ range $index, $number := args 1 2.5 `x` true }}{{ $index }}:{{ $number }} {{ end }}",
    "{{ with .Labels.job }}job {{ . }}{{ end }}{{ with .Labels.missing }}x{{ else }}no{{ end }}",
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
    "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}",
    "{{ define `a` }}<{{ . }}>{{ end }}{{ template `a` $value }}{{ template `a` `b` }}",
    "{{ block `b` .Labels.job }}block {{ . }}{{ end }}",
    "{{ range $i, $e := args 1 2 3 4 }}{{ if eq $i `arg1` }}{{ continue }}{{ end }}"
    "{{ if eq $i `arg3` }}{{ break }}{{ end }}{{ $e }}{{ end }}",
    "{{ 1 }} {{ 1.0 }} {{ 1e3 }} {{ 1e6 }} {{ 0x1F }} {{ 017 }} {{ 'a' }} {{ -2 }} {{ 1_000 }}",
    "{{ 123456.7 }} {{ 1234567.8 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1e21 }} {{ 100000.0 }}",
    "{{ 123456789.0 }} {{ 0.1 }} {{ 1e-7 }} {{ 12345678901234567890.0 }} {{ 21.0 }} {{ 5e-324 }}",
    '{{ printf `%s %q %d %v %5d|%-5d|%05d|%+d` `a` `b"c` 42 true 7 7 7 7 }}',
    "{{ printf `%f %.2f %8.3f|%-8.1f|%08.2f %e %.1e %g %G` $value $value $value $value $value"
    " $value $value $value $value }}",
    "{{ printf `%x %X %o %b %c %U %#x %x` 255 255 8 5 65 65 255 `hi` }}",
    "{{ printf `%d %s %t %z %d` 1.5 2 `x` 3 }} {{ printf `%d` }} {{ printf `%d` 1 2 }}"
    " {{ printf `%` }}",
    "{{ printf `%[2]s %[1]s` `a` `b` }} {{ printf `%*d|%.*f|%-*d|` 5 42 2 1.0 4 7 }}",
    "{{ printf `%5.2f%% %5s|%-5s|%.2s|%q` 99.5 `ab` `ab` `abcd` `é\\n` }}",
    "{{ printf `%v %v %s` $labels (args 1) $value }}",
    "{{ printf `% d %6.2v %+.3g %t` 5 1.239 1234.5 false }}",
    "{{ print 1 2 `a` 3 `b` `c` 4.5 }}|{{ println 1 `a` }}|{{ print }}",
    "{{ len `abc` }} {{ len $labels }} {{ index $labels `job` }} {{ index (args 1 2) `arg1` }}",
    '{{ slice `abcdef` 1 3 }} {{ slice `abcdef` 2 }} {{ html `<a href="x">&\'` }}'
    ' {{ urlquery `a b&c` }} {{ js `it\'s "<>"` }}',
    "{{ eq 1 2 3 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt `b` `a` }} {{ ge 1.0 1.5 }}",
    "{{ humanize $value }} {{ humanize 0.0 }} {{ humanize 1234567.0 }} {{ humanize 0.00042 }}"
    " {{ humanize -12345.0 }} {{ humanize 999.96 }} {{ humanize `1e30` }} {{ humanize 1e-30 }}",
    "{{ humanize1024 1536.0 }} {{ humanize1024 0.5 }} {{ humanize1024 1e12 }}"
    " {{ humanize1024 -2e9 }}",
    "{{ humanizeDuration 93784.0 }} {{ humanizeDuration 3661.0 }} {{ humanizeDuration 61.0 }}"
    " {{ humanizeDuration 1.5 }} {{ humanizeDuration 0.0042 }} {{ humanizeDuration -90.0 }}"
    " {{ humanizeDuration 0.0 }} {{ humanizeDuration `899.99` }}",
    "{{ humanizePercentage $value }} {{ humanizePercentage 1.0 }}"
    " {{ $value | humanizePercentage }}",
    "{{ humanizeTimestamp 1700000000.5 }} {{ humanizeTimestamp 0.0 }}",
    "{{ humanize `NaN` }} {{ humanize `+Inf` }} {{ humanizeDuration `-Inf` }}",
    "{{ toUpper `aé` }} {{ toLower `AÉ` }} {{ title `high cpu-usage on chat_1 box` }}",
    "{{ match `^a+$` `aaa` }} {{ match `b` `aaa` }} {{ reReplaceAll `(a)(b)?` `<$1$2>` `abaxa` }}",
    "{{ reReplaceAll `(?P<x>[a-z]+)-(\\\\d+)` `${2}_${x}_$2x_$$` `ab-12 c-3` }}"
    "{{ reReplaceAll `x*` `-` `abxxc` }}",
    "{{ stripPort `chat:5000` }} {{ stripPort `[::1]:80` }} {{ stripPort `a:b:c` }}"
    " {{ stripPort `x` }}",
    "{{ stripDomain `chat.example.com:5000` }} {{ stripDomain `10.0.0.1:80` }}"
    " {{ stripDomain `a.b` }}",
    "{{ parseDuration `1h30m` }} {{ parseDuration `100ms` }}",
    "{{ with query `some_metric` }}{{ . | first | value }}{{ end }}",
    "{{ range query `other` | sortByLabel `zone` }}{{ .Labels.zone }}={{ .Value }} {{ end }}",
    "{{ query `other` | sortByLabel `zone` | first | label `zone` }}"
    " {{ (query `some_metric`) | len }}",
    '{{ tableLink `a b{c="d"}` }} {{ graphLink `rate(x[5m])` }}',
    "{{ $externalLabels }}|{{ .ExternalLabels }}",
    "{{ (index $labels `job`) | printf `%s-%s` `x` }} {{ `a` | printf `%s%s` `b` | toUpper }}",
    "{{ with $x := `inner` }}{{ $x }}{{ . }}{{ $.Value }}{{ end }}"
    "{{ with (args 1).arg0 }}{{ . }}{{ end }}",
    '{{\n  $value\n}} {{- "tab\\tquote\\"\\u00e9\\x41" }} {{ `}}` }}',
    "{{ true }} {{ false }} {{ not true }} {{ and 1 0 }} {{ or 0 `` `x` }} {{ 0.0 }}",
    "{{ $x := 1 }}{{ $y := 2 }}{{ $x = 3 }}{{ $x }}{{ $y }}",
    "{{ define `n` }}{{ range . }}x{{ else }}none{{ end }}{{ eq . nil }}{{ end }}"
    "{{ template `n` }}",
    "{{ len print }} {{ print nil 1 }} {{ printf `%v %d %s` nil nil nil }}",
    "{{ printf `%.5d|%05.3d|%+.1d|%8.3x|%#X` 42 7 5 255 255 }} {{ printf `%X %z` `hi` `hi` }}",
    '{{ printf `%q %q %q` "a\\\\b" "\\x01\\u200b\\U000e0001" `é` }}',
    "{{ printf `%*d|%*d|%*d` 2000000 1 -2000000 2 `x` 3 }} {{ printf `%*` }}"
    "{{ printf `%.f|%5.s|` 2.5 `x` }}"
    " {{ printf `%.*f|%.*s|%-*d|%*d` -1 1.5 2000000 `x` 3 4 -3 5 }}",
    "{{ range query `limits` | sortByLabel `n` }}"
    "{{ printf `%v %f %+f|% f|%06.1f|%-6g|` .Value .Value .Value .Value .Value .Value }}{{ end }}",
    "{{ toTime 1700000000.25 }} {{ (toTime 1700000000.0).Unix }}"
    " {{ (toTime 1700000000.0).Format `Mon Jan _2 15:04:05 2006 06-01-02 3PM .000` }}",
]
VALUE = 0.931
LABELS = {"job": "chat", "zone": "eu west"}


@dataclass(frozen=True)
class Data:
    """What Prometheus gives to a rule's templates."""

    Labels: dict[str, str]
    Value: float
    ExternalLabels: dict[str, str]


def expand(template: str) -> str:
    answers = {
        "some_metric": [Sample({"__name__": "some_metric", **LABELS}, VALUE)],
        "other": [Sample({"zone": "z"}, 1.0), Sample({"zone": "b"}, 2.5)],
        "limits": [
            Sample({"n": str(n)}, value) for n, value in enumerate([math.nan, math.inf, -math.inf])
        ],
    }
    labels = {"__name__": "some_metric", **LABELS}
    variables = {"$labels": labels, "$value": VALUE, "$externalLabels": {}}
    return parse_template("test", template, variables=variables).execute(
        Data(labels, VALUE, {}),
        prometheus_functions(lambda expression: answers[expression]),
        variables=variables,
    )


def test_templates_expand_as_in_prometheus(promtool: str, tmp_path: Path) -> None:
    """Every template of the table prints, to the letter, what Prometheus prints."""
    annotations = {f"case_{index}": text for index, text in enumerate(TEMPLATES)}
    rule = {"alert": "Case", "expr": "some_metric < 1", "annotations": annotations}
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "cases", "rules": [rule]}]})
    )
    series = [
        f'some_metric{{job="chat", zone="eu west"}} {VALUE}',
        'other{zone="z"} 1',
        'other{zone="b"} 2.5',
        'limits{n="0"} NaN',
        'limits{n="1"} Inf',
        'limits{n="2"} -Inf',
    ]
    expected = {name: expand(text) for name, text in annotations.items()}
    unit_test = {
        "rule_files": ["rules.yml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": text.rsplit(" ", 1)[0], "values": text.rsplit(" ", 1)[1]}
                    for text in series
                ],
                "alert_rule_test": [
                    {
                        "eval_time": "0m",
                        "alertname": "Case",
                        "exp_alerts": [{"exp_labels": LABELS, "exp_annotations": expected}],
                    }
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(unit_test))

    result = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
