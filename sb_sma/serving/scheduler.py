"""Who speaks next: threads that take turns, fair to clients and their requests.

Every client gets the same share of the work, and every request the same share of
its client's, however long its text is and however many there are. Whoever comes
begins where the others are. What begins a line begins it together with all the
others that can: they are a batch.
"""

import asyncio
import itertools
import logging
import threading
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

import torch

from sb_sma.serving.speech_maker import FIRST_FRAMES, SpeechFailed, SpeechMaker

logger = logging.getLogger(__name__)

_MOST_TOGETHER = 16
# pieces that wait to be sent: whoever does not listen is not spoken to
_MOST_UNSENT = 4


class Job:
    """A request between the threads that speak and the loop that sends.

    Arguments
    ---------
    maker : SpeechMaker
        Of the answer.
    client : Hashable
        Who asked.
    loop : asyncio.AbstractEventLoop
        That sends.
    """

    _numbers = itertools.count()

    def __init__(
        self,
        maker: SpeechMaker,
        client: Hashable,
        loop: asyncio.AbstractEventLoop,
    ):
        self.maker = maker
        self.client = client
        self.number = next(self._numbers)
        # of the scheduler, under its lock
        self.share = 0
        self.is_cancelled = False
        self.is_paused = False
        self.is_at_work = False
        self._loop = loop
        self._unsent: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._is_over = False
        self._has_failed = False

    @property
    def has_much_unsent(self) -> bool:
        """Whether its client has to listen first."""
        return len(self._unsent) >= _MOST_UNSENT

    def deliver(self, made: bytes, is_over: bool) -> None:
        """Hand over what a turn has made, from any thread.

        Arguments
        ---------
        made : bytes
            To be sent.
        is_over : bool
            Whether that is all.
        """
        if made:
            self._unsent.append(made)
        self._is_over = is_over
        self._tell()

    def fail(self) -> None:
        """End it without an answer, from any thread."""
        self._has_failed = True
        self._tell()

    async def next_piece(self) -> bytes | None:
        """Wait for what is sent next, in the loop.

        Returns
        -------
        piece : bytes or None
            None after the last one.

        Raises
        ------
        SpeechFailed
            If there will be none.
        """
        while not self._unsent:
            if self._has_failed:
                raise SpeechFailed("the speech could not be made")
            if self._is_over:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._unsent.popleft()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop has ended, and nobody waits
            logger.debug("a piece came too late")


@dataclass
class _Client:
    share: int
    jobs: set[Job] = field(default_factory=set)


class Scheduler:
    """Lets threads take the turns of jobs.

    Arguments
    ---------
    n_threads : int
        How many; each computes alone.

    Attributes
    ----------
    n_jobs : int
        That are being spoken or wait.
    """

    def __init__(self, n_threads: int):
        self._clients: dict[Hashable, _Client] = {}
        self._ready: set[Job] = set()
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(
                target=self._work, name=f"speaker-{number}", daemon=True
            )
            for number in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def n_jobs(self) -> int:
        """Jobs that are being spoken or wait."""
        with self._changed:
            return sum(len(client.jobs) for client in self._clients.values())

    def submit(self, job: Job) -> None:
        """Let a job take turns.

        Arguments
        ---------
        job : Job
            A new one.
        """
        with self._changed:
            client = self._clients.get(job.client)
            if client is None:
                shares = [each.share for each in self._clients.values()]
                client = _Client(min(shares, default=0))
                self._clients[job.client] = client
            job.share = min((each.share for each in client.jobs), default=0)
            client.jobs.add(job)
            self._make_ready(job)

    def resume(self, job: Job) -> None:
        """Go on with a job of which something was sent.

        Arguments
        ---------
        job : Job
            One that was submitted.
        """
        with self._changed:
            if job.is_paused and not job.has_much_unsent:
                job.is_paused = False
                self._make_ready(job)

    def drop(self, job: Job) -> None:
        """Make no more of a job, whether it is over or nobody waits for it.

        Arguments
        ---------
        job : Job
            One that was submitted.
        """
        with self._changed:
            client = self._clients[job.client]
            client.jobs.discard(job)
            if not client.jobs:
                del self._clients[job.client]
            job.is_cancelled = True
            if not job.maker.is_over and not job.is_at_work:
                # a thread lets its batch go on without it
                self._make_ready(job)

    def close(self) -> None:
        """End the threads, each after its turn."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _make_ready(self, job: Job) -> None:
        self._ready.add(job)
        self._changed.notify()

    def _work(self) -> None:
        torch.set_num_threads(1)
        while (jobs := self._choose()) is not None:
            try:
                if jobs[0].is_cancelled:
                    jobs[0].maker.leave()
                    continue
                if jobs[0].maker.needs_line:
                    _begin_together(jobs)
                    self._put_back(jobs[1:])
                    del jobs[1:]
                self._take_turn(jobs[0])
            except Exception as error:
                is_told = isinstance(error, SpeechFailed)
                logger.error(
                    "speech could not be made: %s", error, exc_info=not is_told
                )
                for job in jobs:
                    job.maker.leave()
                    job.fail()

    def _choose(self) -> list[Job] | None:
        """Wait for a job, and for those that begin a line together with it."""
        with self._changed:
            while not self._ready and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            in_turn = sorted(self._ready, key=self._turn_of)
            chosen = in_turn[:1]
            if not chosen[0].is_cancelled and chosen[0].maker.needs_line:
                company = chosen[0].maker.company
                chosen = [
                    job
                    for job in in_turn
                    if not job.is_cancelled
                    and job.maker.needs_line
                    and job.maker.company == company
                ][:_MOST_TOGETHER]
            self._ready.difference_update(chosen)
            for job in chosen:
                job.is_at_work = True
            return chosen

    def _turn_of(self, job: Job) -> tuple[int, int, int]:
        """Sort by the share that client and job have had."""
        client = self._clients.get(job.client)
        if job.is_cancelled or client is None:
            return -1, 0, job.number
        return client.share, job.share, job.number

    def _take_turn(self, job: Job) -> None:
        maker, n_before = job.maker, job.maker.n_frames
        made = maker.take_turn()
        job.deliver(made, maker.is_over)
        with self._changed:
            n_frames = maker.n_frames - n_before
            job.share += n_frames
            if job.client in self._clients:
                self._clients[job.client].share += n_frames
        self._put_back([job])

    def _put_back(self, jobs: list[Job]) -> None:
        with self._changed:
            for job in jobs:
                job.is_at_work = False
                if job.maker.is_over:
                    continue
                if job.has_much_unsent and not job.is_cancelled:
                    job.is_paused = True
                else:
                    self._make_ready(job)


def _begin_together(jobs: list[Job]) -> None:
    """Begin the next line of each."""
    makers = [job.maker for job in jobs]
    streamed = makers[0].model.stream_together(
        [maker.next_line for maker in makers],
        [maker.request.voice for maker in makers],
        FIRST_FRAMES,
        makers[0].request.timestamps,
    )
    for maker, line in zip(makers, streamed):
        maker.begin_line(line)
