"""What one entry is asked to do: a case, how many trajectories, in which precision, by whom, on how many cores."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Spec:
    """One entry of one group. variant: a step ("rk4", ...), "volume", "jacobian", "relaxation", "gradient" or "precision"; tolerance:
    of an adaptive peer, or (negative) −k for a fixed step k times shorter. options: what distinguishes entries of one peer.
    """

    peer: str
    case: str
    n: int
    dtype: str = "float32"
    variant: str = "rk4"
    steps: int = 200
    every: int = 10
    cores: int = 1
    device: str = "cpu"
    option: str = ""
    tolerance: float = 0.0
    flags: str = ""

    @property
    def name(self) -> str:
        """What tables call the entry."""
        cores = f", {self.cores} core{'s' if self.cores > 1 else ''}" if self.device == "cpu" else ""
        accuracy = "" if not self.tolerance else f" {self.tolerance:g}" if self.tolerance > 0 else f" dt/{-self.tolerance:g}"
        return self.peer + (f" {self.option}" if self.option else "") + accuracy + cores

    @property
    def group(self) -> tuple:
        """Entries of one group are measured in turn and compared with one another."""
        return self.case, self.variant, self.dtype, self.n

    @property
    def worker(self) -> tuple:
        """Entries that may share a process: same peer, cores, device and flags."""
        return self.peer, self.cores, self.device, self.flags

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for a worker and for the JSON."""
        return asdict(self)
