"""The line of background jobs below the header, and their list (TUI-019)."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from massgen.tui.header import clock
from massgen.tui.symbols import clean, column, one_line, sign, tool_name
from massgen.views.jobs import JobsView, JobView

SIGNS = {"running": "●", "completed": "✓", "error": "✗", "cancelled": "■"}
STYLES = {"running": "bold", "completed": "green", "error": "bold red", "cancelled": "dim"}


class JobRibbon(Static):
    """Shown while jobs run."""

    def __init__(self) -> None:
        super().__init__(id="jobs", markup=False)
        self.display = False

    def draw(self, jobs: JobsView, now: float) -> bool:
        """Whether it appeared or went away."""
        running = jobs.running
        changed = self.display != bool(running)
        self.display = bool(running)
        if running:
            count = f"{len(running)} background job{'s' if len(running) > 1 else ''}"
            facts = [f"{one_line(job.agent_id)}: {_tool(job)} {clock(job.seconds(now))}" for job in running]
            self.update(clean(Text(sign(f" ● {count} (b)  {' · '.join(facts)}"))), layout=False)
        return changed


def _tool(job: JobView) -> str:
    return tool_name(job.tool)[:30]


def jobs_text(jobs: JobsView, now: float) -> Text:
    """All jobs of the turn, one a line."""
    out = Text()
    for job in jobs.jobs.values():
        out.append(sign(f"{SIGNS.get(job.status, '·')} {job.status:<10}"), style=STYLES.get(job.status, ""))
        out.append(f"{clock(job.seconds(now)):>7}  ", style="dim")
        out.append(f"{column(job.agent_id, 16)} ", style="bold")
        out.append(f"{tool_name(job.tool)[:60]}  ")
        out.append(f"{one_line(job.job_id)[:24]}\n", style="dim")
    return out or Text("No background jobs in this turn. Agents start them with tools or commands.")
