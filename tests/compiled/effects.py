"""Functions that are never compiled: they have an effect, or are not known to have none.

Each returns a number for a number where it is called; nothing here calls them.
"""

import datetime
import functools
import io
import logging
import math
import operator
import os
import random
import sys
import threading
import time
import uuid
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

counter = 0
seen: list[int] = []
cache: dict[int, int] = {}
counts: Counter[int] = Counter()
missing: defaultdict[int, int] = defaultdict(int)
log = logging.getLogger("effects")
lock = threading.Lock()

NEVER: list[Any] = []


def never(function: Any) -> Any:
    NEVER.append(function)
    return function


@never
def prints(x):
    print(x)
    return x


@never
def prints_in_one_way(x):
    if x > 10:
        print("large")
    return x


@never
def prints_in_an_expression(x):
    return print(x) or x


@never
def counts_in_a_global(x):
    global counter
    counter += 1
    return x


def _with_nonlocal() -> Callable[[int], int]:
    n = 0

    def counts_in_a_closure(x):
        nonlocal n
        n += 1
        return x + n

    return counts_in_a_closure


never(_with_nonlocal())


@never
def appends(x):
    seen.append(x)
    return x


@never
def keeps_in_a_dict(x):
    cache[x] = x
    return x


@never
def keeps_by_setdefault(x):
    return cache.setdefault(x, x)


@never
def counts_in_a_counter(x):
    counts[x] += 1
    return x


@never
def reads_a_counter(x):
    return counts[x]


@never
def reads_a_defaultdict(x):
    return missing[x]


@never
def keeps_in_a_default(x, kept=[]):  # noqa: B006
    kept.append(x)
    return len(kept)


@never
def keeps_on_itself(x):
    keeps_on_itself.n = x
    return x


@never
def deletes(x):
    del cache[x]
    return x


@never
def pops(x):
    return cache.pop(x, 0)


@never
def at_random(x):
    return x + random.random()


@never
def by_the_clock(x):
    return x + time.time()


@never
def sleeps(x):
    time.sleep(0)
    return x


@never
def of_today(x):
    return datetime.date.today().year + x


@never
def of_now(x):
    return datetime.datetime.now().hour + x


@never
def of_an_id(x):
    return str(uuid.uuid4()) + str(x)


@never
def of_the_process(x):
    return os.getpid() + x


@never
def of_the_environment(x):
    return os.environ.get("HOME", "") + str(x)


@never
def of_a_variable_of_the_environment(x):
    return os.environ["HOME"] + str(x)


@never
def of_a_hash(x):
    return hash(str(x))


@never
def of_an_identity(x):
    return id(x)


@never
def opens(x):
    open("/dev/null").close()
    return x


@never
def reads_within_with(x):
    with open("/dev/null") as file:
        return len(file.read()) + x


@never
def writes_to_stderr(x):
    sys.stderr.write("x")
    return x


@never
def writes_to_a_buffer(x):
    return io.StringIO().write(str(x))


@never
def logs(x):
    log.info("x")
    return x


@never
def logs_of_a_module(x):
    logging.warning("x")
    return x


@never
def warns(x):
    warnings.warn("x", stacklevel=1)
    return x


@never
def locks(x):
    with lock:
        return x


@never
def catches(x):
    try:
        return 1 // x
    except ZeroDivisionError:
        return 0


@never
def finally_(x):
    try:
        return x
    finally:
        seen.clear()


@never
def generates(x):
    yield x


@never
async def awaits(x):
    return x


@never
def loops(x):
    while x > 10:
        x -= 1
    return x


@never
def loops_over_what_it_is_given(x):
    total = 0
    for i in range(x):
        total += i
    return total


@never
def calls_itself(x):
    return 1 if x <= 1 else x * calls_itself(x - 1)


def _helper_prints(x):
    print(x)
    return x


@never
def calls_one_that_prints(x):
    return _helper_prints(x) + 1


@never
def imports(x):
    import math as m

    return m.floor(x)


@never
def defines(x):
    def inner(y):
        return y

    return inner(x)


@never
def evaluates(x):
    return eval("x + 1")


@never
def executes(x):
    exec("pass")
    return x


@never
def of_globals(x):
    return globals()["counter"] + x


@never
def by_getattr(x):
    return getattr(x, "real")  # noqa: B009


@never
def takes_any_number(*args):
    return args[0]


@never
def takes_any_name(**kwargs):
    return kwargs["x"]


@never
@functools.lru_cache
def cached(x):
    return x


def _wrapping(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        seen.append(1)
        return function(*args)

    return wrapper


@never
@_wrapping
def wrapped(x):
    return x


never(functools.partial(operator.add, 1))


class Adds:
    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, x: int) -> int:
        self.n += x
        return self.n

    def method(self, x: int) -> int:
        self.n += x
        return self.n


never(Adds(1))
never(Adds(1).method)
adds = Adds(1)


@never
def calls_an_object(x):
    return adds(x)


@never
def reads_an_object(x):
    return adds.n + x


@never
def writes_an_object(x):
    adds.n = x
    return x


@never
def makes_an_object(x):
    return Adds(x).n


@never
def walrus(x):
    return (y := x) + y


never(math.floor)
never(len)
never(int)


class Weight(float):
    def __add__(self, other: Any) -> Any:
        seen.append(1)
        return other


weight = Weight(2)


@never
def of_a_subclass(x):
    return weight + x


@never
def of_a_mutable_global(x):
    return seen


@never
def joins_what_it_iterates(x):
    return sorted([x, 1])[0]


@never
def sets_an_item(x):
    parts = str(x).split(",")
    parts[0] = "a"
    return parts[0]


@never
def appends_to_its_own(x):
    parts = str(x).split(",")
    parts.append("a")
    return len(parts)


@never
def raises_what_it_prints(x):
    return x if x else print("none")


@never
def maps(x):
    return list(map(str, [x]))[0]  # noqa: RUF015


@never
def of_a_set_in_its_order(x):
    for one in {"a", "b"}:
        return one
    return x
