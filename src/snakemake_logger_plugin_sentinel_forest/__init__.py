"""What `snakemake` shows of a run on the terminal: stages, warnings and errors.

Snakemake loads this package by its name; `logger: [sentinel-forest]` in the default profile asks for it. Snakemake's
own log stays complete in its file below `.snakemake/log/`. The switch `--logger-sentinel-forest-everything` shows it
on the terminal as well.
"""

import logging
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from sentinel_forest.io.progress import duration
from snakemake_logger_plugin_sentinel_forest.stages import STAGE_OF, Run, common_name

TAIL = 20
"""Lines of a failed job's log that are shown, where it does not say "error:" itself."""

FILES = 2
"""Files of a reason that a dry run names."""
CODE = re.compile(
    r"Params have changed since last execution: Union of exclusive params before and now across all output: "
    r"before: '[0-9a-f]{64}' now: '[0-9a-f]{64}' ?"
)
"""What Snakemake says where only the checksum of the code differs."""
TIME = re.compile(r"\[\w{3} \w{3} +\d+ [\d:]+ \d{4}\]")

TOLD_BY_JOBS = (
    "At least one job did not complete successfully",
    "Exiting because a job execution failed",
    "returned non-zero exit status",
    "died with <Signals",
)
"""Snakemake's messages that repeat what the failed job's own message says."""

KILLED = re.compile(r"exit status 137\b|died with <Signals\.SIGKILL")
"""How a job ends that the system kills, which leaves nothing in its log."""

OF_SLURM = re.compile(r"SLURM-job '(?P<number>[\d_]+)' failed, SLURM status is: '(?P<state>\w+)'")
"""What Snakemake says of a job that Slurm ended, or that failed there."""

REASONS = {
    "TIMEOUT": " (it took more time than it asked for)",
    "OUT_OF_MEMORY": " (it took more memory than it asked for)",
}
"""What a state of Slurm means that the job itself cannot say."""

SAID_BY_SLURM = re.compile(r"slurmstepd\S*: error: ")
"""How a line begins that Slurm wrote into the log of a job."""

EXPLAINS = re.compile(r"\s*(error:|[\w.]*(Error|Exception)\b)")
"""How a line begins that explains a failure: the message of a step, or the end of a traceback."""

AGAIN = re.compile(r"Trying to restart job (\d+)")
"""What Snakemake says when a job that failed is tried again."""

WIDTH = 200
"""Characters of a line that are shown of what is no message of a step; a command can have thousands."""

HEAD_OF_ERROR = re.compile(r"(Traceback \(.*\n)?\w+(Error|Exception)( in file .*)?:\s+", re.DOTALL)
"""What comes before what Snakemake says of an error, and is for programmers."""

ADVICE = {
    "No rule to produce": "correct the name; `snakemake --list-target-rules` lists the targets",
    "load_configfile": "correct the path; a target comes before --configfile, which takes all words after it",
    "Invalid config definition": "write `--config key=value`; what lies deeper goes into a file",
    "Config file is not valid": "correct the file that --configfile names, or config/config.yaml",
}
"""What Snakemake says of a slip of the pen, and what to do."""

FEWER_AT_ONCE = "  what to do: run fewer jobs at once, e.g. `--cores 1`, or where there is more memory"

FULL = 16 << 20
"""Free bytes below which a job has most likely failed for want of room; its log may say nothing then."""
MAKE_ROOM = "  what to do: make room (`sentinel-forest clean` lists what no version needs), and call snakemake again"

INTERRUPTED = "Terminating processes on user request"
"""What Snakemake says after Ctrl-C."""


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Settings of this logger; each becomes an option of `snakemake`."""

    everything: bool = field(
        default=False, metadata={"help": "Show Snakemake's own log on the terminal instead of stages"}
    )


@dataclass
class _Job:
    """A job that has begun."""

    rule: str
    message: str
    since: float


class LogHandler(LogHandlerBase):
    """Writes stages, warnings and errors to standard error."""

    def __post_init__(self) -> None:
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._line = ""
        self._jobs: dict[int, _Job] = {}
        self._failed: dict[int, str] = {}
        self._run = Run({})
        self._told: set[str] = set()
        self._since = time.monotonic()
        self._interrupted = False
        self._everything = self.common_settings.verbose or bool(getattr(self.settings, "everything", 0))
        self._events: dict[str, Callable[[Any], None]] = {
            LogEvent.RUN_INFO: self._begin_run,
            LogEvent.JOB_INFO: self._begin_job,
            LogEvent.JOB_FINISHED: self._end_job,
            LogEvent.JOB_ERROR: self._fail_job,
            LogEvent.ERROR: self._fail,
            LogEvent.GROUP_ERROR: self._fail,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, or take from it how far the run has come."""
        self._interrupted |= str(record.msg).startswith(INTERRUPTED)
        try:
            event = getattr(record, "event", None)
            if self._everything:
                self._tell(self.format(record))
            elif self.common_settings.dryrun:
                self._tell(shortened(self.format(record)))
            elif event in self._events:
                self._events[event](record)
            elif event is None and (again := AGAIN.match(str(record.msg))):
                self._tell(f"tried again: {self._failed.get(int(again[1]), f'job {again[1]}')}")
            elif event is None and self._is_shown(record):
                self._tell(str(record.msg).strip())
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Say how the run ended."""
        ended, planned = self._run.ended.total(), sum(self._run.planned.values())
        self._run = Run({})
        if planned and not (self._everything or self.common_settings.dryrun):
            early = "interrupted" if self._interrupted else "ended early"
            words, then = ("done", "") if ended == planned else (early, "; the same command goes on from here")
            self._tell(f"{words}: {ended} of {planned} jobs in {duration(time.monotonic() - self._since)}{then}")
        self._rewrite("")
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return False

    @property
    def has_formatter(self) -> bool:
        return False

    @property
    def needs_rulegraph(self) -> bool:
        return False

    @staticmethod
    def _is_shown(record: logging.LogRecord) -> bool:
        """Whether a message without an event is for people: warnings, errors, and that there is nothing to do."""
        text = str(record.msg)
        if record.levelno >= logging.WARNING:
            return not any(told in text for told in TOLD_BY_JOBS)
        return text.startswith("Nothing to be done")

    def _begin_run(self, record: Any) -> None:
        planned = Counter[str]()
        for rule, count in record.stats.items():
            planned[common_name(rule)] += count if rule != "total" else 0
        self._run = Run(planned)
        self._since = time.monotonic()
        if self._run.stages:
            stages = ", ".join(self._run.stages)
            self._tell(f"{sum(self._run.planned.values())} jobs in {len(self._run.stages)} stages: {stages}")

    def _begin_job(self, record: Any) -> None:
        rule = common_name(record.rule_name)
        if rule not in STAGE_OF:
            return
        self._jobs[record.jobid] = _Job(rule, record.rule_msg or rule, time.monotonic())
        self._show(STAGE_OF[rule])

    def _end_job(self, record: Any) -> None:
        if job := self._jobs.pop(record.job_id, None):
            self._run.end(job.rule, time.monotonic() - job.since)
            self._show(STAGE_OF[job.rule])

    def _fail_job(self, record: Any) -> None:
        job = self._jobs.pop(record.jobid, None)
        self._failed[record.jobid] = job.message if job else record.rule_name
        self._tell(f"failed: {self._failed[record.jobid]}")
        if ended := OF_SLURM.search(record.rule_msg or ""):
            reason = REASONS.get(ended["state"], "")
            self._tell(f"  Slurm: job {ended['number']} of rule {record.rule_name} ended as {ended['state']}{reason}")
        is_explained = False
        for path in record.log:
            lines = _end_of(Path(path), is_explained)
            is_explained |= any(map(EXPLAINS.match, lines))
            self._tell(*lines, f"  log: {path}")
        free = shutil.disk_usage(Path.cwd()).free
        if free < FULL:
            self._tell(f"error: the disk of {Path.cwd()} is full: {free >> 10} KiB are free", MAKE_ROOM)

    def _fail(self, record: Any) -> None:
        """What stopped Snakemake itself: a target or file that does not exist, a configuration that is no YAML."""
        text = str(record.msg).strip()
        if KILLED.search(text):
            self._tell("error: the system killed a job, most often because memory ran out", FEWER_AT_ONCE)
        elif not any(told in text for told in TOLD_BY_JOBS):
            self._tell(f"error: {for_people(text)}")

    def _show(self, stage: str) -> None:
        """Show how far a stage has come: on a terminal in a line that is rewritten, elsewhere when it begins and ends.

        Jobs of several stages run side by side; the terminal has the first of these stages.
        """
        if stage not in self._run.stages:
            return
        if self._stream.isatty():
            running = {STAGE_OF[job.rule] for job in self._jobs.values()}
            self._rewrite(self._text(next((each for each in self._run.stages if each in running), stage)))
            return
        ended, planned = self._run.count(stage)
        if stage not in self._told or (ended == planned > 1):
            self._tell(self._text(stage))
        self._told.add(stage)

    def _text(self, stage: str) -> str:
        ended, planned = self._run.count(stage)
        left = self._run.left(time.monotonic() - self._since)
        place = f"stage {self._run.stages.index(stage) + 1} of {len(self._run.stages)}: {stage}"
        jobs = f"{ended} of {planned} jobs done" if ended else f"{planned} {'job' if planned == 1 else 'jobs'}"
        return f"{place}, {jobs}" + (f", about {roughly(left)} left" if left else "")

    def _rewrite(self, text: str) -> None:
        """Replace the last line of a terminal."""
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
        self._line = text

    def _tell(self, *lines: str) -> None:
        """Write lines above the one that is rewritten."""
        line = self._line
        self._rewrite("")
        self._stream.write("".join(f"{text}\n" for text in lines if text))
        self._stream.flush()
        if line:
            self._rewrite(line)


def for_people(text: str) -> str:
    """What Snakemake says of an error, and what to do; a traceback that nobody expected stays whole.

    Examples
    --------
    >>> print(for_people("MissingRuleException:\\nNo rule to produce reprot (if you use input functions ...)"))
    No rule to produce reprot
      what to do: correct the name; `snakemake --list-target-rules` lists the targets
    """
    advice = next((advice for words, advice in ADVICE.items() if words in text), "")
    if text.startswith("Traceback") and not advice:
        return text
    said = HEAD_OF_ERROR.sub("", text).split(" (if you use")[0]
    return f"{said}\n  what to do: {advice}" if advice else said


def roughly(seconds: float) -> str:
    """A time to come, no more exactly than it can be told.

    Examples
    --------
    >>> roughly(4.0), roughly(43.0), roughly(163.0), roughly(7500.0)
    ('10 s', '40 s', '3 min', '2 h 05 min')
    """
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else duration(seconds)


def shortened(text: str) -> str:
    """What a dry run says, without times, and with the first few files of each reason.

    Examples
    --------
    >>> shortened("[Sat Nov 28 20:06:48 2026]\\nJob 2: Split\\nReason: Missing output files: a, b, c, d")
    'Job 2: Split\\nReason: Missing output files: a, b and 2 more'
    """
    text = CODE.sub("The code of this step has changed", text)
    lines = [line for line in text.splitlines() if not TIME.fullmatch(line)]
    return "\n".join("; ".join(map(_few, line.split("; "))) if "Reason:" in line else line for line in lines)


def _few(reason: str) -> str:
    """A reason with the first `FILES` of its files."""
    files = reason.split(", ")
    return reason if len(files) <= FILES + 1 else f"{', '.join(files[:FILES])} and {len(files) - FILES} more"


def _end_of(log: Path, is_explained: bool = False) -> list[str]:
    """Return the lines of a log that tell of the failure.

    They are those from the last "error:" on, else those that Slurm wrote, else the last ones. Where another log
    has explained the failure, the last ones are left out: on a cluster they are what Snakemake says of the job.
    """
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return []
    errors = [row for row, line in enumerate(lines) if line.startswith("error:")]
    by_slurm = list(dict.fromkeys(line for line in lines if SAID_BY_SLURM.match(line)))
    last = [] if is_explained else lines
    if errors:
        return [f"  {line}" for line in lines[errors[-1] :][-TAIL:]]
    return [f"  {line if len(line) <= WIDTH else f'{line[:WIDTH]} ...'}" for line in (by_slurm or last)[-TAIL:]]
