"""Names of parameters: LightGBM's own, its aliases, and SynapseML's."""

import re

# LightGBM's parameters that are a column's or the gang's to say, or of its command line.
_NOT_HERE = re.compile(
    "categorical_feature|config|convert_model.*|data|group_column|header|ignore_column|input_model|"
    "is_provide_training_metric|label_column|local_listen_port|machine.*|metric_freq|num_iteration_"
    "predict|num_machines|output_.*|parser_config_file|pre_partition|precise_float_parser|pred_.*|"
    "predict_.*|save.*|snapshot_freq|start_iteration_predict|task|two_round|valid|weight_column"
)
# SynapseML's parameters that have another name here; what they were made for is not needed.
ELSEWHERE = {
    "chunkSize": "rows come as Arrow batches: leave it out",
    "dataTransferMode": "rows come as Arrow batches: leave it out",
    "defaultListenPort": "ports are free ones: leave it out",
    "driverListenPort": "set spark.hydrofoil.gang.port",
    "matrixType": "write sparse=True for vectors that are mostly zeros",
    "numBatches": "train in one go: leave it out",
    "passThroughArgs": "write parameters as keywords",
    "repartitionByGroupingColumn": "a query is in one rank always: leave it out",
    "useBarrierExecutionMode": "gangs always start together: leave it out",
    "useSingleDatasetMode": "ranks have a data set each: leave it out",
}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _aliases() -> dict[str, list[str]]:
    """LightGBM's parameters, with the other names of each, as the library itself tells."""
    from lightgbm.basic import _ConfigAliases

    found: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    return {name: list(others) for name, others in found.items() if not _NOT_HERE.fullmatch(name)}


ALIASES = _aliases()
# Each name's parameter here.
NAMES = {other: camel(name) for name, others in ALIASES.items() for other in (name, *others)} | {
    "parallelism": "treeLearner",
    "num_workers": "numTasks",
    "num_tasks": "numTasks",
    "categorical_feature": "categoricalFeature",
    "group_col": "groupCol",
    "init_score_col": "initScoreCol",
    "qid_col": "groupCol",
    "feature_name": "slotNames",
}
LEARNERS = {"data_parallel": "data", "voting_parallel": "voting", "feature_parallel": "feature"}
