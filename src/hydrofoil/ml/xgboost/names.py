"""Names of XGBoost's parameters: which of its classes' the booster does not know, and the like."""

import threading
import warnings

import numpy as np
import xgboost

# Parameters of XGBoost's classes that its booster does not know.
NOT_BOOSTERS = (
    "callbacks",
    "early_stopping_rounds",
    "feature_types",
    "feature_weights",
    "importance_type",
    "missing",
    "n_estimators",
)
# Those of `xgboost.train` that have no parameter of their own.
OF_TRAIN = ("custom_metric", "maximize")
# What a gang knows better, and what a column says; with what to write instead.
ELSEWHERE = {
    "base_margin": "base_margin_col",
    "base_margin_eval_set": "base_margin_col and validation_indicator_col",
    "enable_categorical": 'feature_types=["c", "q", ...], which says it of each feature',
    "eval_group": "qid_col and validation_indicator_col",
    "eval_qid": "qid_col and validation_indicator_col",
    "eval_set": "validation_indicator_col",
    "evals": "validation_indicator_col",
    "evals_result": "the model's training_summary",
    "group": "qid_col",
    "n_jobs": "spark.task.cpus, or gang_options",
    "nthread": "spark.task.cpus",
    "output_margin": "raw_prediction_col",
    "qid": "qid_col",
    "sample_weight": "weight_col",
    "sample_weight_eval_set": "weight_col and validation_indicator_col",
    "validate_features": "nothing: features have the order of features_col",
}
# Parameters of some objectives or updaters alone, that others do not use.
OF_SOME = {
    "aft_loss_distribution",
    "aft_loss_distribution_scale",
    "expectile_alpha",
    "extmem_single_page",
    "feature_selector",
    "huber_slope",
    "lambdarank_bias_norm",
    "lambdarank_normalization",
    "lambdarank_num_pair_per_sample",
    "lambdarank_pair_method",
    "lambdarank_score_normalization",
    "lambdarank_unbiased",
    "max_cached_hist_node",
    "ndcg_exp_gain",
    "normalize_type",
    "one_drop",
    "process_type",
    "quantile_alpha",
    "rate_drop",
    "refresh_leaf",
    "sample_type",
    "scale_pos_weight",
    "sketch_ratio",
    "skip_drop",
    "top_k",
    "tweedie_variance_power",
    "updater",
}

_PROBING = threading.Lock()  # What catches warnings is the whole process's.


def unused(names: set[str]) -> set[str]:
    """Those that XGBoost says it does not use."""
    with _PROBING, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        data = xgboost.DMatrix(np.zeros((1, 1)), label=[0.0])
        probed = {**dict.fromkeys(names, 1), "validate_parameters": True, "nthread": 1}
        try:
            xgboost.Booster(probed, cache=[data]).save_config()
        except xgboost.core.XGBoostError:
            return set()  # It knows one well enough to find fault with its value.
    text = " ".join(str(one.message) for one in heard)
    return {name for name in names if f'"{name}"' in text}
