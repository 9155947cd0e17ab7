"""Writes test/fixtures/readers: small runs by the real packages, and what each package's own reader says of them.

    python test/tools/reader-fixtures.py test/fixtures/readers

needs wandb, tensorboard, tensorboardX, mlflow-skinny with sqlalchemy and alembic, dvclive, trackio, transformers with
torch and accelerate, and lightning; what is not installed is left as it is. Paths and host names of the machine are
taken out of what is written down.
"""
import glob
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

out = os.path.abspath(sys.argv[1])
only = set(sys.argv[2:])
os.makedirs(out, exist_ok=True)
os.environ.update(WANDB_SILENT="true", WANDB_MODE="offline", MLFLOW_ALLOW_FILE_STORE="true", HF_HUB_OFFLINE="1")


def loss(i):
    return math.exp(-i / 10) + 0.01 * math.sin(i)


def acc(i):
    return math.nan if i == 3 else math.inf if i == 4 else 1 - math.exp(-i / 8)


def fresh(name):
    path = os.path.join(out, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def words(value):
    """JSON without bare words: figures that are not finite become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: words(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [words(each) for each in value]
    return value


def expect(path, **said):
    with open(os.path.join(path, "expected.json"), "w") as file:
        json.dump(words(said), file, indent=1, sort_keys=True, allow_nan=False)
        file.write("\n")


WANDB_READER = """
import json, sys
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal import datastore
store = datastore.DataStore()
store.open_for_scan(sys.argv[1])
points, count = {}, 0
while True:
    data = store.scan_data()
    if data is None:
        break
    count += 1
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    if record.WhichOneof("record_type") == "history":
        row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
        for name, value in row.items():
            if not name.startswith("_"):
                points.setdefault(name, []).append([row["_step"], value])
print(json.dumps({"records": count, "points": points}))
"""


def make_wandb():
    import wandb

    path = fresh("wandb")
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, host="box", console="off", disable_git=True, x_save_requirements=False)
    run = wandb.init(dir=path, project="kx", name="first", group="g", tags=["a"], config={"lr": 1e-3, "net": {"depth": 4, "a.b": True}, "sizes": [1, 2]}, settings=settings)
    run.define_metric("val/acc", summary="max")
    for i in range(40):
        row = {"loss": loss(i)}
        if i % 2 == 0:
            row["val/acc"] = acc(i)
        run.log(row)
    run.finish()
    folder = os.path.join(path, "wandb")
    (log,) = glob.glob(os.path.join(folder, "offline-run-*", "*.wandb"))
    run_folder = os.path.join(path, "offline-run-20260101_000000-fixture")
    os.makedirs(run_folder)
    log_path = os.path.join(run_folder, "run-fixture.wandb")
    shutil.copy(log, log_path)
    shutil.rmtree(folder)
    said = subprocess.run([os.environ["WANDB_READER"], "-c", WANDB_READER, log_path], check=True, capture_output=True, text=True).stdout
    expect(path, **json.loads(said), settings={"lr": 0.001, "net": {"depth": 4, "a.b": True}, "sizes": [1, 2]})


def make_tfevents():
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboardX import SummaryWriter

    path = fresh("tfevents")
    writer = SummaryWriter(os.path.join(path, "run"))
    for i in range(40):
        writer.add_scalar("loss", loss(i), i)
        writer.add_scalar("val/acc", acc(i), i)
    writer.add_hparams({"lr": 0.1, "name": "x", "flag": True}, {"hp/acc": 0.5})
    writer.close()
    points = {}
    # Settings and their metric lie in a folder of their own below the run.
    for folder in {os.path.dirname(file) for file in glob.glob(os.path.join(path, "run/**/*.tfevents.*"), recursive=True)}:
        reader = EventAccumulator(folder, size_guidance={"scalars": 0})
        reader.Reload()
        points.update({tag: [[e.step, e.value] for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]})
    for folder, _, files in os.walk(path):
        for file in files:
            if ".tfevents." in file:
                os.rename(os.path.join(folder, file), os.path.join(folder, file.rsplit(".", 1)[0] + ".box"))
    expect(path, points=points, settings={"lr": 0.1, "name": "x", "flag": True})


def make_mlflow():
    import mlflow
    from mlflow.tracking import MlflowClient

    for name, uri in (("mlflow-files", "file://{}/mlruns"), ("mlflow-sqlite", "sqlite:///{}/mlflow.db")):
        path = fresh(name)
        mlflow.set_tracking_uri(uri.format(path))
        client = MlflowClient()
        experiment = client.create_experiment("exp", artifact_location="file:///nowhere")
        run = client.create_run(experiment, run_name="one", tags={"mlflow.user": "somebody"})
        client.log_param(run.info.run_id, "lr", 0.1)
        client.log_param(run.info.run_id, "net/depth", 3)
        for i in range(20):
            client.log_metric(run.info.run_id, "loss", loss(i), timestamp=1767225600000 + i, step=i)
            client.log_metric(run.info.run_id, "val/acc", acc(i), timestamp=1767225600000 + i, step=i)
        client.set_terminated(run.info.run_id)
        # A database holds no infinity; its own reader hands out the largest figure that there is.
        most = sys.float_info.max
        points = {
            m: [[e.step, math.inf if e.value == most else e.value] for e in client.get_metric_history(run.info.run_id, m)]
            for m in ("loss", "val/acc")
        }
        expect(path, points=points, settings=client.get_run(run.info.run_id).data.params)
        shutil.rmtree(os.path.join(path, "mlruns", "0"), ignore_errors=True)
        if name == "mlflow-sqlite":
            db = sqlite3.connect(os.path.join(path, "mlflow.db"))
            db.execute("UPDATE experiments SET artifact_location = 'file:///nowhere'")
            # Thousands of empty pages come from indices of tables that no reader here knows.
            for (index,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall():
                db.execute(f'DROP INDEX "{index}"')
            db.commit()
            db.execute("VACUUM")
            db.close()


def make_dvclive():
    from dvclive import Live
    from dvclive.utils import parse_tsv

    path = fresh("dvclive")
    # In a checkout it would make a repository of its own there.
    scratch = tempfile.mkdtemp()
    os.chdir(scratch)
    with Live("dvclive", save_dvc_exp=False, dvcyaml=None) as live:
        live.log_params({"lr": 0.1, "a": {"b": [1, 2]}})
        for i in range(20):
            live.log_metric("train/loss", loss(i))
            live.log_metric("acc", acc(i))
            live.next_step()
    shutil.copytree(os.path.join(scratch, "dvclive"), os.path.join(path, "dvclive"), ignore=shutil.ignore_patterns(".git*"))
    points = {}
    for file, name in (("train/loss", "train/loss"), ("acc", "acc")):
        rows = parse_tsv(os.path.join(path, "dvclive/plots/metrics", file + ".tsv"))
        points[name] = [[int(row["step"]), float(row[file.split("/")[-1]])] for row in rows]
    expect(path, points=points, settings={"lr": 0.1, "a": {"b": [1, 2]}})


def make_trackio():
    path = fresh("trackio")
    os.environ["TRACKIO_DIR"] = path
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    trackio.init(project="p", name="r1", config={"lr": 0.1, "net": {"d": 1}}, auto_log_cpu=False) if "auto_log_cpu" in trackio.init.__code__.co_varnames else trackio.init(project="p", name="r1", config={"lr": 0.1, "net": {"d": 1}})
    for i in range(20):
        trackio.log({"loss": loss(i), "acc": acc(i)})
    trackio.finish()
    points = {}
    for row in SQLiteStorage.get_logs("p", "r1"):
        for name in ("loss", "acc"):
            points.setdefault(name, []).append([row["step"], row[name]])
    db = sqlite3.connect(os.path.join(path, "p.db"))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("DELETE FROM system_metrics")
    db.commit()
    db.execute("VACUUM")
    db.close()
    for extra in glob.glob(os.path.join(path, "*")):
        if not extra.endswith("p.db"):
            shutil.rmtree(extra) if os.path.isdir(extra) else os.remove(extra)
    expect(path, points=points, settings={"lr": 0.1, "net": {"d": 1}})


def make_trainer():
    import torch
    from transformers import Trainer, TrainerState, TrainingArguments

    class Line(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x, labels):
            y = self.layer(x).squeeze(-1)
            return {"loss": torch.nn.functional.mse_loss(y, labels), "logits": y}

    path = fresh("trainer")
    torch.manual_seed(1)
    rows = [{"x": torch.randn(4), "labels": torch.randn(())} for _ in range(64)]
    arguments = TrainingArguments(output_dir=path, max_steps=30, logging_steps=5, eval_strategy="steps", eval_steps=10, save_steps=10, save_total_limit=2, report_to=[], load_best_model_at_end=True, metric_for_best_model="loss", use_cpu=True)
    Trainer(model=Line(), args=arguments, train_dataset=rows, eval_dataset=rows[:16]).train()
    kept = sorted(glob.glob(os.path.join(path, "checkpoint-*")))
    for folder in kept:
        for file in os.listdir(folder):
            if file != "trainer_state.json":
                os.remove(os.path.join(folder, file))
        text = open(os.path.join(folder, "trainer_state.json")).read().replace(path, "out")
        open(os.path.join(folder, "trainer_state.json"), "w").write(text)
    newest = max(kept, key=lambda folder: int(folder.rsplit("-", 1)[1]))
    state = TrainerState.load_from_json(os.path.join(newest, "trainer_state.json"))
    points = {}
    for row in state.log_history:
        for name, value in row.items():
            if name != "step" and isinstance(value, (int, float)):
                points.setdefault(name, []).append([row["step"], value])
    expect(path, points=points, settings={"max_steps": state.max_steps, "eval_steps": state.eval_steps})


def make_lightning():
    import csv

    from lightning.pytorch.loggers import CSVLogger

    path = fresh("lightning")
    logger = CSVLogger(path, name="", version=0)
    logger.log_hyperparams({"lr": 0.1, "net": {"depth": 3}})
    for i in range(20):
        logger.log_metrics({"train_loss": loss(i), "epoch": i // 5}, step=i)
        if i % 5 == 4:
            logger.log_metrics({"val_acc": acc(i), "epoch": i // 5}, step=i)
    logger.save()
    points = {}
    for row in csv.DictReader(open(os.path.join(path, "version_0/metrics.csv"))):
        for name, value in row.items():
            if name != "step" and value != "":
                points.setdefault(name, []).append([int(row["step"]), float(value)])
    expect(path, points=points, settings={"lr": 0.1, "net": {"depth": 3}})


made = {
    "wandb": make_wandb,
    "tfevents": make_tfevents,
    "mlflow": make_mlflow,
    "dvclive": make_dvclive,
    "trackio": make_trackio,
    "trainer": make_trainer,
    "lightning": make_lightning,
}
for name, make in made.items():
    if only and name not in only:
        continue
    try:
        make()
        print("made", name)
    except ImportError as error:
        print("left out", name, error)
