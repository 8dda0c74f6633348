"""Row UDFs on Arrow, by the pickled path's rules (``rows="arrow"``): see `values.pickle_rules`.

The loop and the codecs are those of `evals.batched`; the encoders leave whatever the two paths
convert differently. What they leave is converted here, one batch of pickled rows after the other,
because that is when the pickled path looks at results that the function may still change.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pyarrow as pa

from hydrofoil._cext.frames import Frame
from hydrofoil._cext.objects.base import Decoder
from hydrofoil._cext.objects.special import ValuesDecoder
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.deaths import page
from hydrofoil.evals.batched import RowBatches
from hydrofoil.evals.reasons import returned_for
from hydrofoil.evals.udf import Udf
from hydrofoil.failures.place import detail_of
from hydrofoil.stream.batches import Encoded, write_batches
from hydrofoil.stream.schemas import parsed
from hydrofoil.values.pickle_rules.arguments import column_values
from hydrofoil.values.pickle_rules.results import ResultRules, array_of
from hydrofoil.values.type_table import Options

Decoders = dict[int, Decoder]


class RowsByPickleRules(RowBatches):
    """Row UDFs whose arguments and results are what pickling them would have made.

    Parameters
    ----------
    input_type : pyspark.sql.types.StructType or callable
        The input columns' Spark types, or what makes them of the input's `pyarrow.Schema`.
    output : pyarrow.Schema
        Of the answer.
    pickled_at_once : int
        How many results the pickled path serializes together, and so looks at together.

    Raises
    ------
    NotImplementedError
        If a UDF is declared to return a type that there are no rules for.
    """

    def __init__(
        self,
        udfs: list[Udf],
        input_type: Any,
        options: Options,
        *,
        output: pa.Schema,
        pickled_at_once: int,
        run: Callable[[Callable[[], Any]], Any],
        trace: TaskTrace,
    ) -> None:
        super().__init__(
            udfs,
            input_type,
            options,
            column_values=self._values,
            others="pickle's rules",
            run=run,
            trace=trace,
        )
        self.rules = [ResultRules(udf.return_type) for udf in udfs]
        self.output = output
        self.pickled_at_once = pickled_at_once
        # Rows of the batches before this one.
        self.before = 0

    def _plan(self, schema_message: bytes) -> None:
        if callable(self.input_type):
            schema = parsed(schema_message)
            self.input_type = self.input_type(schema)
        super()._plan(schema_message)

    # --- Arguments --------------------------------------------------------------------------------

    def _values(self, array: pa.Array, spark_type: Any) -> list[Any]:
        return column_values(array, spark_type, binary_as_bytes=self.options.binary_as_bytes)

    def _all_values(self, batch: pa.RecordBatch) -> Decoders:
        return {
            i: ValuesDecoder(self._values(array, field.dataType))
            for i, (array, field) in enumerate(
                zip(batch.columns, self.input_type.fields, strict=True)
            )
        }

    def _by_others(self, batch: pa.RecordBatch) -> Encoded | pa.RecordBatch:
        if self.schema is None:
            self._plan(batch.schema.serialize().to_pybytes())
        decoders = self._all_values(batch)
        try:
            return self.run(lambda: self._answer(batch.num_rows, decoders, lambda: decoders))
        except BaseException:
            self.failed = detail_of(lambda: self._detail(decoders))
            raise

    def _run_udfs(self, frame: Frame, decoders: Decoders) -> Encoded | pa.RecordBatch:
        def read_again() -> Decoders:
            return self._all_values(self._record_batch(frame))

        return self._answer(frame.length, decoders, read_again)

    # --- Results ----------------------------------------------------------------------------------

    def _answer(
        self, rows: int, decoders: Decoders, read_again: Callable[[], Decoders]
    ) -> Encoded | pa.RecordBatch:
        """The answer to a batch; ``read_again`` reads it where the codecs fail in its middle."""
        # Of each UDF all converted results, or None where the encoder has them.
        known = [self._evaluated(k, rows, decoders, read_again) for k in range(len(self.udfs))]
        self.before += rows
        arrays = [
            None if values is None or self._encoded(k, values) else array_of(values, field.type)
            for k, (values, field) in enumerate(zip(known, self.output, strict=True))
        ]
        if all(array is None for array in arrays):
            if all(values is None for values in known):
                self.trace.fast()
            return Encoded(self.encoders, rows)
        columns = [
            self._array(k, rows) if array is None else array for k, array in enumerate(arrays)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.output)

    def _encoded(self, k: int, values: list[Any]) -> bool:
        encoder = self.encoders[k]
        return encoder is not None and encoder.encode(values) == len(values)

    def _array(self, k: int, rows: int) -> pa.Array:
        """The column that the encoder has."""
        encoder = self.encoders[k]
        assert encoder is not None, "a column without an encoder is an array"
        stream = BytesIO()
        schema = pa.schema([self.output.field(k)]).serialize().to_pybytes()
        write_batches([Encoded([encoder], rows)], schema, stream, start=b"", flush_each=False)
        return pa.ipc.open_stream(stream.getvalue()).read_next_batch().column(0)

    def _evaluated(
        self, k: int, rows: int, decoders: Decoders, read_again: Callable[[], Decoders]
    ) -> list[Any] | None:
        """Call UDF ``k`` for all rows: its results, or None where its encoder has them."""
        self.at = self.noted[page.FUNCTION] = k
        encoder, loop = self.encoders[k], self.loops[k]
        if encoder is None:
            return self._converted(k, rows, decoders, [], [])
        left: list[Any] = []
        try:
            taken = loop.rows.evaluate([decoders[o] for o in loop.columns], encoder, None, rows)
        except Exception as error:
            if not loop.rows.reading:
                raise
            self.trace.fell_back(f"a value without a codec: {error}")
            taken, decoders = loop.rows.row, read_again()
        else:
            if taken == rows:
                return None
            left = [loop.rows.left]
            self.trace.fell_back(returned_for(left[0], self.udfs[k].return_type))
        return self._converted(k, rows, decoders, encoder.restored(taken), left)

    def _converted(
        self, k: int, rows: int, decoders: Decoders, results: list[Any], returned: list[Any]
    ) -> list[Any]:
        """All results of UDF ``k``: ``results`` of the first rows, which are converted already,
        those ``returned`` for the rows after them, and what it returns for the rest."""
        rules = self.rules[k]
        internal = [rules.internal(result) for result in returned]
        for row in range(len(results) + len(internal), rows):
            if (self.before + row) % self.pickled_at_once == 0:
                results += map(rules.converted, internal)
                internal = []
            internal += map(rules.internal, self._collect(k, decoders, row, row + 1))
        results += map(rules.converted, internal)
        return results
