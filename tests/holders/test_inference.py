"""`hydrofoil.inference`: a DataFrame's predictions are those of the model itself."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import array, col

import hydrofoil
from hydrofoil.decorators.ddl import parse_ddl
from hydrofoil.errors import UsageError
from hydrofoil.predictors.predict import Predict
from hydrofoil.predictors.sent import Load, Sent, load_of
from hydrofoil.predictors.table import adapter_of

RANDOM = np.random.default_rng(5)
X = pd.DataFrame(RANDOM.random((60, 3)), columns=["a", "b", "c"])
NUMBER = X.a * 2 + X.b
LABEL = np.where(NUMBER > 1.5, "yes", "no")
CLASS = (NUMBER * 2).astype(int).to_numpy() % 3


def logistic() -> Any:
    linear = pytest.importorskip("sklearn.linear_model")
    return linear.LogisticRegression().fit(X, LABEL)


def forest() -> Any:
    ensemble = pytest.importorskip("sklearn.ensemble")
    return ensemble.RandomForestRegressor(4, random_state=0).fit(X.to_numpy(), NUMBER)


def pipeline() -> Any:
    """One that takes strings, by their column's name."""
    compose = pytest.importorskip("sklearn.compose")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.tree import DecisionTreeRegressor

    frame = pd.DataFrame({"a": X.a, "label": LABEL})
    encode = compose.make_column_transformer((OneHotEncoder(), ["label"]), remainder="passthrough")
    return make_pipeline(encode, DecisionTreeRegressor(max_depth=2)).fit(frame, NUMBER)


def boosters(objective: str) -> Any:
    xgboost = pytest.importorskip("xgboost")
    matrix = xgboost.DMatrix(X, CLASS if "multi" in objective else NUMBER)
    number = {"num_class": 3} if "multi" in objective else {}
    return xgboost.train({"objective": objective, "nthread": 1, **number}, matrix, 3)


def lightgbm(objective: str) -> Any:
    library = pytest.importorskip("lightgbm")
    options = {"objective": objective, "verbose": -1, "min_data_in_leaf": 2, "num_threads": 1}
    options |= {"num_class": 3} if objective == "multiclass" else {}
    return library.train(options, library.Dataset(X, CLASS), 3)


def net() -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Linear(4, 2))


def onnx_model() -> Any:
    """Two outputs of one matrix."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [2.0, 1.0, 0.5])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["total"]),
            helper.make_node("Add", ["x", "x"], ["twice"]),
        ],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [
            helper.make_tensor_value_info("total", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("twice", TensorProto.FLOAT, [None, 3]),
        ],
        [weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    onnx.checker.check_model(made)
    return made


def matrix_of(booster: Any) -> Any:
    import xgboost

    return booster.predict(xgboost.DMatrix(X))


def tensors(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model.eval()(torch.tensor(X.to_numpy(), dtype=torch.float32)).numpy()


# What makes a model, its method, the type of the result, and what the library itself returns.
CASES: dict[str, tuple[Callable[[], Any], str, str, Callable[[Any], Any]]] = {
    "labels": (logistic, "predict", "string", lambda m: m.predict(X)),
    "probabilities": (logistic, "predict_proba", "array<double>", lambda m: m.predict_proba(X)),
    "decision": (logistic, "decision_function", "double", lambda m: m.decision_function(X)),
    "regressor": (forest, "predict", "double", lambda m: m.predict(X.to_numpy())),
    "xgb": (lambda: boosters("reg:squarederror"), "predict", "float", matrix_of),
    "xgb classes": (lambda: boosters("multi:softprob"), "predict", "array<float>", matrix_of),
    "lgb": (lambda: lightgbm("regression"), "predict", "double", lambda m: m.predict(X)),
    "lgb classes": (
        lambda: lightgbm("multiclass"),
        "predict",
        "array<double>",
        lambda m: m.predict(X),
    ),
    "torch": (net, "forward", "array<float>", tensors),
    "onnx": (onnx_model, "", "float", lambda m: X.to_numpy() @ [2, 1, 0.5]),
    "onnx output": (onnx_model, "twice", "array<float>", lambda m: X.to_numpy() * 2),
}


def wrappers() -> dict[str, Any]:
    """Models of other libraries with scikit-learn's methods."""
    pytest.importorskip("sklearn")
    made = {}
    for package, name, options in (
        ("xgboost", "XGBClassifier", {"n_jobs": 1}),
        ("lightgbm", "LGBMClassifier", {"verbose": -1, "n_jobs": 1, "min_child_samples": 2}),
    ):
        library = pytest.importorskip(package)
        made[package] = getattr(library, name)(n_estimators=3, **options).fit(X, CLASS)
    return made


@pytest.mark.parametrize("case", CASES)
def test_what_a_library_returns(case: str) -> None:
    make, method, kind, expected = CASES[case]
    model = make()
    adapter = adapter_of(model)
    assert adapter.result_type(model, method) == kind
    load = load_of(SimpleNamespace(), adapter, model, None)
    predict = Predict(adapter.name, list(X), {"": (method, "array" in kind)})
    found = predict(load(), *(X[name].to_numpy() for name in X))
    if kind == "string":
        assert list(found) == list(expected(model))
    else:
        assert found == pytest.approx(np.asarray(expected(model)), rel=1e-5)


def test_other_libraries_with_methods_of_scikit_learn() -> None:
    for model in wrappers().values():
        adapter = adapter_of(model)
        kinds = {"predict": "long", "predict_proba": "array<double>"}
        if adapter.name == "XGBoost":
            kinds["predict_proba"] = "array<float>"
        assert {name: adapter.result_type(model, name) for name in kinds} == kinds
        fields = {name: (name, "array" in kind) for name, kind in kinds.items()}
        load = load_of(SimpleNamespace(), adapter, model, None)
        found = Predict(adapter.name, list(X), fields)(load(), *(X[c].to_numpy() for c in X))
        for name in kinds:
            assert found[name] == pytest.approx(getattr(model, name)(X), rel=1e-6)


def test_files(tmp_path: Path) -> None:
    import torch

    joblib = pytest.importorskip("joblib")
    sklearn, xgb, lgb, made = (
        logistic(),
        boosters("reg:squarederror"),
        lightgbm("regression"),
        net(),
    )
    joblib.dump(sklearn, tmp_path / "model.joblib")
    xgb.save_model(tmp_path / "model.ubj")
    lgb.save_model(tmp_path / "model.txt")
    torch.jit.script(made).save(tmp_path / "model.pt")
    torch.save(made, tmp_path / "whole.pt")
    torch.save(made.state_dict(), tmp_path / "state.pt")
    for file, expected in {
        "model.joblib": sklearn.predict_proba(X),
        "model.ubj": matrix_of(xgb),
        "model.txt": lgb.predict(X),
        "model.pt": tensors(made),
        "whole.pt": tensors(made),
    }.items():
        adapter = adapter_of(tmp_path / file)
        method = "predict_proba" if "joblib" in file else adapter.default
        load = Load(adapter.name, b"", str(tmp_path / file), None)
        predict = Predict(adapter.name, list(X), {"": (method, expected.ndim == 2)})
        found = predict(load(), *(X[name].to_numpy() for name in X))
        assert found == pytest.approx(expected, rel=1e-5), file
    with pytest.raises(UsageError, match="has a OrderedDict and no module"):
        Load("torch", b"", str(tmp_path / "state.pt"), None)()
    with pytest.raises(UsageError, match="ends like no model's file"):
        adapter_of(tmp_path / "model.bin")


@pytest.mark.slow
def test_exported_programs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    made, file = net(), tmp_path / "model.pt2"
    shapes = {"input": {0: torch.export.Dim("rows")}}
    example = (torch.ones(4, 3),)
    torch.export.save(torch.export.export(made.eval(), example, dynamic_shapes=shapes), file)
    predict = Predict("torch", list(X), {"": ("forward", True)})
    found = predict(Load("torch", b"", str(file), None)(), *(X[name].to_numpy() for name in X))
    assert found == pytest.approx(tensors(made), rel=1e-5)


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    made = spark.createDataFrame(X.assign(label=LABEL))
    return made.coalesce(1).cache()


def predicted(frame: DataFrame) -> Any:
    return np.array([row.prediction for row in frame.select("prediction").collect()])


def test_columns_in_and_columns_out(frame: DataFrame) -> None:
    model = forest()
    expected = model.predict(X.to_numpy())
    doubles = array("a", "b", "c")
    for features in (
        ["a", "b", "c"],
        [doubles],
        [array_to_vector(doubles)],
        [array("a", "b"), "c"],
    ):
        found = hydrofoil.inference(frame, model, features, share="host", batch_size=16)
        assert found.columns == ["a", "b", "c", "label", "prediction"]
        assert predicted(found) == pytest.approx(expected)


def test_a_file_in_the_users_home(
    frame: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib = pytest.importorskip("joblib")
    model = forest()
    joblib.dump(model, tmp_path / "model.joblib")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = hydrofoil.inference(frame, "~/model.joblib", ["a", "b", "c"])
    assert predicted(found) == pytest.approx(model.predict(X.to_numpy()))


def test_features_and_types_that_the_model_names(frame: DataFrame) -> None:
    model = logistic()
    methods = ["predict", "predict_proba"]
    found = hydrofoil.inference(frame, model, output="said", method=methods, share="host")
    kind = "predict string, predict_proba array<double>"
    assert found.schema["said"].dataType == parse_ddl(kind)
    rows = found.select("said.*").collect()
    assert [row.predict for row in rows] == list(model.predict(X))
    assert np.array([r.predict_proba for r in rows]) == pytest.approx(model.predict_proba(X))
    texts = pipeline()
    expected = texts.predict(pd.DataFrame({"a": X.a, "label": LABEL}))
    assert predicted(hydrofoil.inference(frame, texts)) == pytest.approx(expected)


def test_a_model_with_many_bytes(frame: DataFrame) -> None:
    """Such a one goes as a file."""
    model = forest()
    model.history = np.zeros(1 << 20)
    found = hydrofoil.inference(frame, model, ["a", "b", "c"], share="host")
    assert predicted(found) == pytest.approx(model.predict(X.to_numpy()))


def test_what_can_not_be(frame: DataFrame) -> None:
    model = logistic()
    for arguments, options, message in (
        ((forest(), ["label"]), {}, "column 'label' is of type string"),
        ((forest(),), {}, "does not name its features"),
        ((logistic(), None), {"method": "guess"}, "has none of that name"),
        (({},), {}, "is no model of"),
        ((model,), {"device": "cuda"}, "compute on the CPU alone"),
        (("/nowhere/model.txt", ["a"]), {}, "return_type="),
        ((model, []), {}, "names no column"),
    ):
        with pytest.raises(UsageError, match=message):
            hydrofoil.inference(frame, *arguments, **options)
    with pytest.raises(UsageError, match="no b, c"):
        hydrofoil.inference(frame.select("a", col("label")), model)


class Echo:
    """An engine: says what it was asked, and after what."""

    def generate(self, prompts: list[str], ending: str = "") -> list[str]:
        return [f"{i} {prompt}{ending}" for i, prompt in enumerate(prompts)]


def test_generate_groups_by_prefix(spark: SparkSession) -> None:
    prompts = ["b 1", "a 1", None, "b 0", "a 2"]
    frame = spark.createDataFrame([(p,) for p in prompts], "p string").coalesce(1)
    found = hydrofoil.generate(frame, "p", Echo, options={"ending": "!"}, output="said")
    expected = ["3 b 1!", "0 a 1!", None, "2 b 0!", "1 a 2!"]
    assert [row.said for row in found.collect()] == expected


def test_nobody_is_asked_where_all_prompts_are_null(spark: SparkSession) -> None:
    class Never:
        def generate(self, prompts: list[str]) -> list[str]:
            raise AssertionError(f"asked for {prompts}")

    frame = spark.createDataFrame([(None,), (None,)], "p string")
    found = hydrofoil.generate(frame, "p", Never, share=None)
    assert [row.text for row in found.collect()] == [None, None]


@pytest.mark.parametrize("library", ["sklearn", "lightgbm", "xgboost"])
def test_columns_of_the_models_names_in_another_order(library: str, spark: SparkSession) -> None:
    pytest.importorskip(library)
    table = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0)[::-1] % 7})
    model = MODELS[library]().fit(table, 2 * table["a"])
    frame = spark.createDataFrame(table).coalesce(1)
    found = hydrofoil.inference(frame, model, ["b", "a"]).toPandas()["prediction"]
    np.testing.assert_allclose(found, model.predict(table), rtol=1e-6)


def _of_sklearn() -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def _of_lightgbm() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=5, verbosity=-1)


def _of_xgboost() -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=5)


MODELS = {"sklearn": _of_sklearn, "lightgbm": _of_lightgbm, "xgboost": _of_xgboost}


def test_a_model_that_found_no_room_is_written_again(spark: SparkSession) -> None:
    """What there is of it is taken for no model."""
    data = os.urandom(3 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            Sent(spark, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Sent(spark, data).read() == data


AGAIN = """
import sys
from hydrofoil import session
from hydrofoil.predictors.sent import _send_file

for _ in range(2):
    spark = session("local[1]", "again", {"spark.ui.enabled": "false"})
    names = [_send_file(spark, sys.argv[1]) for _ in range(2)]
    print(*names, *(file.rpartition("/")[2] for file in spark.sparkContext.listFiles))
    spark.stop()
"""


def test_a_file_is_sent_to_each_session_once(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("tree")
    command = [sys.executable, "-c", AGAIN, str(tmp_path / "model.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first == second == first[:1] * 3


def test_the_room_needs_no_library() -> None:
    """Nothing is imported of a library before there is one of its models."""
    code = (
        "import sys, hydrofoil.predictors.api, hydrofoil.predictors.vllm_engine as v\n"
        "v.VLLM('a/b', seed=1)\n"
        "print([m for m in ('torch', 'sklearn', 'xgboost', 'lightgbm', 'onnxruntime', 'vllm')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
