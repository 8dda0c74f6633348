"""The daemon that Sentry's users write; see its documentation of Spark's workers."""

import os

import pyspark.daemon
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.spark import SparkWorkerIntegration
from sentry_sdk.transport import HttpTransport


class AtOnce(HttpTransport):
    """Sends before the task ends: Spark kills a worker whose task has failed."""

    def capture_envelope(self, envelope: Envelope) -> None:
        self._send_envelope(envelope)


if __name__ == "__main__":
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        integrations=[SparkWorkerIntegration()],
        transport=AtOnce,
    )
    pyspark.daemon.manager()
