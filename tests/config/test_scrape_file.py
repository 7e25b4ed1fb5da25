from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.config.reading import find_problems, read_text

CONFIGURATION = """\
    global: {scrape_interval: 7s}
    scrape_configs: [{job_name: own}]
    scrape_config_files: [more.yml, 'jobs/*.yml']
    """


def write(folder: Path, **texts: str) -> None:
    """Write files: `jobs__a` is jobs/a.yml."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))


def test_jobs_of_files_follow_the_configurations_own(tmp_path: Path) -> None:
    """In the order of patterns and names, with the configuration's defaults and their own paths."""
    write(
        tmp_path,
        more="scrape_configs: [{job_name: more, file_sd_configs: [{files: ['a*.json']}]}]",
        jobs__b="scrape_configs: [{job_name: b, authorization: {credentials: '${TOKEN}'}}]",
        jobs__a="scrape_configs: [{job_name: a, scrape_interval: 1s, file_sd_configs: "
        "[{files: ['b*.json']}]}]",
    )

    configuration = read_text(CONFIGURATION, {"TOKEN": "x"}, tmp_path)

    jobs = configuration.scrape_configs
    assert [(job.job_name, job.interval_ms) for job in jobs] == [
        ("own", 7000),
        ("more", 7000),
        ("a", 1000),
        ("b", 7000),
    ]
    assert jobs[1].file_discoveries[0].patterns == (tmp_path / "a*.json",)
    assert jobs[2].file_discoveries[0].patterns == (tmp_path / "jobs" / "b*.json",)
    assert configuration.warnings == []


def test_patterns_may_match_nothing_and_files_must_be_there(tmp_path: Path) -> None:
    """As of `rule_files`."""
    assert find_problems(CONFIGURATION, folder=tmp_path) == [
        'x.yml:3:23: scrape_config_files[0]: expected a file that exists, found "more.yml"'
    ]
    write(tmp_path, more="")
    assert [job.job_name for job in read_text(CONFIGURATION, folder=tmp_path).scrape_configs] == [
        "own"
    ]


def test_what_is_wrong_in_a_file_has_its_place(tmp_path: Path) -> None:
    """All of it at once; a name is given once, in whatever file."""
    write(
        tmp_path,
        more="""\
            global: {}
            scrape_configs: [{job_name: own}]
            """,
        jobs__a="scrape_configs: [{job_name: a, scrape_intervall: 1s}]\n",
        jobs__b="scrape_configs: {\n",
    )

    assert find_problems(CONFIGURATION, folder=tmp_path) == [
        f"{tmp_path}/more.yml:1:1: global: expected one of scrape_configs, "
        'found the unknown key "global"',
        f"{tmp_path}/more.yml:2:29: scrape_configs[0].job_name: "
        'expected a name that no other job has, found "own"',
        f"{tmp_path}/jobs/a.yml:1:32: scrape_configs[0].scrape_intervall: "
        'expected the key "scrape_interval", found the unknown key "scrape_intervall"',
        f"{tmp_path}/jobs/b.yml:2:1: expected YAML, found an error while parsing a flow "
        "node: did not find expected node content",
    ]
