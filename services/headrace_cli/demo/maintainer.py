"""What the maintenance worker does, told from what it logs. No I/O.

Times are seconds since the demo began.
"""

from dataclasses import dataclass, replace

from headrace_cli.demo.actors import Entry
from headrace_cli.demo.story import State, Story, Tone

NAME = "maintain"


@dataclass(frozen=True, slots=True)
class MaintainerState:
    """The maintenance worker, as far as it has been heard of.

    Attributes:
        pid: of the process.
        state: what it is doing.
        since: when that began.
        merged: files that it has merged.
        made: files that they have become.
        merged_at: when it last merged some.
    """

    pid: int | None = None
    state: State = State.STARTING
    since: float = 0.0
    merged: int = 0
    made: int = 0
    merged_at: float | None = None


class MaintainerStory:
    """Follows it.

    Args:
        story: is told what is worth telling.
    """

    def __init__(self, story: Story) -> None:
        self.state = MaintainerState()
        self._story = story

    def started(self, pid: int, at: float) -> None:
        """The process was started."""
        self.state = replace(self.state, pid=pid, since=at)

    def stopping(self, at: float) -> None:
        """It was sent SIGTERM."""
        self.state = replace(self.state, state=State.STOPPING, since=at)

    def heard(self, entry: Entry, at: float) -> None:
        """It logged `entry`."""
        match entry.get("event"):
            case "maintaining":
                self.state = replace(self.state, state=State.RUNNING, since=at)
            case "maintenance_stopped":
                self.state = replace(self.state, state=State.DRAINED, since=at)
            case "maintained" if entry.get("outcome") == "done" and entry.get("files"):
                self._merged(entry, at)

    def _merged(self, entry: Entry, at: float) -> None:
        files = entry["files"]
        if not isinstance(files, int):
            return
        if not self.state.made and entry.get("job") == "compact":
            self._story.say(
                at,
                f"{NAME} merges {files} files of {entry.get('table')} into one, version {entry.get('version')}, while "
                "its workers commit; it goes on with every table",
                Tone.GOOD,
            )
        self.state = replace(self.state, merged=self.state.merged + files, made=self.state.made + 1, merged_at=at)
