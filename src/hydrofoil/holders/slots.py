"""Processes forked from a holder, one for each worker: the model is in memory once."""

import os
import select
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from hydrofoil.holders import threads
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.control import Control
from hydrofoil.holders.errors import Gone
from hydrofoil.holders.linux import call_it, die_with
from hydrofoil.holders.packets import Channel
from hydrofoil.holders.page import Page
from hydrofoil.holders.running import Functions, answer_to

_RSS_UNIT = 1024


def serve(asked: Asked, functions: Functions, control: Control, page: Page) -> None:
    """Fork a slot for each worker that comes, and end it when that worker is gone."""
    wakes, writer = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    poll = select.poll()
    poll.register(control.fileno(), select.POLLIN)
    poll.register(wakes, select.POLLIN)
    running: dict[int, int] = {}
    while not control.has_ended:
        come, gone = control.news()
        for number, channel in come:
            holder = os.getpid()
            sys.stdout.flush()
            process = os.fork()
            if process == 0:
                control.close()
                _be_slot(asked, functions, number, channel, page, holder)
            channel.close()
            running[process] = number
        for process, number in running.items():
            if number in gone:
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)
        _reap(running, control, page)
        poll.poll()
        with suppress(OSError):
            while os.read(wakes, 512):
                pass
        _reap(running, control, page)


def _reap(running: dict[int, int], control: Control, page: Page) -> None:
    while running:
        process, status, usage = os.wait4(-1, os.WNOHANG)
        if process == 0:
            return
        number = running.pop(process, None)
        if number is not None:
            page.end(number)
            control.say("ended", number, status, usage.ru_maxrss * _RSS_UNIT)


def _be_slot(
    asked: Asked, functions: Functions, number: int, channel: Channel, page: Page, holder: int
) -> NoReturn:
    """In the process that was forked: run one worker's batches until it is gone."""
    status = 1
    try:
        die_with(holder)
        call_it("hydrofoil-slot")
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random = sys.modules.get("numpy.random")
        if random is not None:
            # All slots would draw the same numbers otherwise.
            random.seed()
        count = asked.threads or threads.asked_for()
        if count > 1:
            threads.use(count)
        channel.send("ready")
        _run_batches(functions, number, channel, page)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run_batches(functions: Functions, number: int, channel: Channel, page: Page) -> None:
    with suppress(Gone):
        while True:
            asked = channel.receive()
            page.begin(number)
            answer = answer_to(functions, *asked)
            del asked
            page.end(number)
            channel.send(*answer)
            del answer
