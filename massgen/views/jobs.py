"""Background jobs of a turn, as every display shows them (BG-017)."""

from __future__ import annotations

from dataclasses import dataclass, field

from massgen.events.types import BackgroundJob, Event, SessionEnd, SessionStart

RUNNING = "running"


@dataclass(slots=True, kw_only=True)
class JobView:
    """One job; `ended` is None while it runs."""

    job_id: str
    agent_id: str
    tool: str
    status: str
    started: float
    ended: float | None = None

    def seconds(self, now: float) -> float:
        """How long it has run, or ran."""
        return max(0.0, (self.ended or now) - self.started)


@dataclass(slots=True, kw_only=True)
class JobsView:
    """Feed every event to `apply`, in order; `jobs` are those of the newest turn, oldest first."""

    jobs: dict[tuple[str, str], JobView] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event.body:
            case SessionStart():
                self.jobs.clear()
            case BackgroundJob(status="running") as body:
                agent = event.agent_id or ""
                self.jobs[agent, body.job_id] = JobView(
                    job_id=body.job_id, agent_id=agent, tool=body.tool, status=RUNNING, started=event.timestamp
                )
            case BackgroundJob() as body:
                self._end(event, self.jobs.get((event.agent_id or "", body.job_id)), body.status)
            case SessionEnd():
                for job in self.running:
                    self._end(event, job, "cancelled")
            case _:
                return

    @property
    def running(self) -> list[JobView]:
        return [job for job in self.jobs.values() if job.status == RUNNING]

    @staticmethod
    def _end(event: Event, job: JobView | None, status: str) -> None:
        if job is not None and job.ended is None:
            job.status, job.ended = status, event.timestamp
