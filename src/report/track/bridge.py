"""pefd's bridge to the Python clients of W&B and MLflow: python3 bridge.py CLIENT PLACE.

A line of JSON comes in for each call ({"call": "log", ...}) and one goes out ({"result": ...} or {"error": "..."}); the
first goes out once the client is loaded. When no more lines can come, pefd has ended: a run that is open was killed.
"""

import fcntl
import json
import os
import pathlib
import secrets
import signal
import sys

# Seconds that a client may take to end a run that pefd has left.
LAST_SECONDS = 10


class MLflow:
    """MLflow's files in a folder."""

    def __init__(self, place):
        # MLflow 3 opens its file store only on request.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        self.place = pathlib.Path(place)
        self.client = MlflowClient(tracking_uri=self.place.as_uri())
        self.run = None

    def create(self, experiment, name):
        self.place.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.place, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)  # runs of a sweep that start together make one experiment
        try:
            found = self.client.get_experiment_by_name(experiment)
            if found is not None and found.lifecycle_stage == "deleted":
                raise ValueError(f'the experiment "{experiment}" is deleted; restore it with MLflow')
            number = found.experiment_id if found else self.client.create_experiment(experiment)
        finally:
            os.close(folder)
        tags = {"mlflow.source.name": "pefd"}
        return self.client.create_run(number, run_name=name, tags=tags).info.run_id

    def begin(self, run, new, settings, **_):
        from mlflow.entities import Param

        if new:
            params = [Param(key, value) for key, value in settings.items()]
            self.client.log_batch(run, params=params)
        else:
            self.client.update_run(run, status="RUNNING")
        self.run = run

    def log(self, metrics):
        from mlflow.entities import Metric

        values = [Metric(m["key"], float(m["value"]), m["timestamp"], m["step"]) for m in metrics]
        self.client.log_batch(self.run, metrics=values)

    def end(self, status):
        self.client.set_terminated(self.run, status)
        self.run = None


class Wandb:
    """W&B: its server, or files for `wandb sync` in a folder."""

    mode = "online"

    def __init__(self, place):
        import wandb

        if self.mode == "online" and not wandb.login(verify=False):
            raise ValueError("not logged in to W&B")
        self.wandb = wandb
        self.place = place
        self.run = None

    def where(self, experiment):
        """Where a run belongs in W&B: team/project, and pairs as groups."""
        team, _, project = self.place.rpartition("/")
        return {"entity": team or None, "project": project, "group": experiment, "resume": "allow"}

    def create(self, **_):
        return secrets.token_hex(4)

    def begin(self, run, new, settings, experiment, name):
        options = {"silent": True, "console": "off", "init_timeout": 50}
        self.run = self.wandb.init(
            id=run.split("-")[-1],  # earlier versions of pefd kept a time before it
            name=name,
            config=settings,
            mode=self.mode,
            settings=self.wandb.Settings(**options),
            **self.where(experiment),
        )
        return self.run.url

    def log(self, metrics):
        steps = {}
        for metric in metrics:
            steps.setdefault(metric["step"], {})[metric["key"]] = float(metric["value"])
        for step, values in steps.items():
            self.run.log(values, step=step)

    def end(self, status):
        self.run.finish(exit_code={"FINISHED": 0, "FAILED": 1}.get(status, 255))
        self.run = None


class WandbOffline(Wandb):
    mode = "offline"

    def where(self, experiment):
        os.makedirs(self.place, exist_ok=True)
        letters = [c if c.isalnum() or c in "_. -" else "_" for c in experiment]
        return {"dir": self.place, "project": "".join(letters)[:128]}


CLIENTS = {"mlflow": MLflow, "wandb": Wandb, "wandb-offline": WandbOffline}


def main(kind, place):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a client prints is no answer

    def answer(**content):
        print(json.dumps(content), file=answers, flush=True)

    def attempt(work):
        try:
            answer(result=work())
        except Exception as error:
            missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
            answer(error=(str(error) or type(error).__name__)[:2000], missing=missing)
            return False
        return True

    made = []
    if not attempt(lambda: made.append(CLIENTS[kind](place))):
        return
    client = made[0]
    for line in sys.stdin:
        words = json.loads(line)
        call = getattr(client, words.pop("call"))
        attempt(lambda: call(**words))
    signal.alarm(LAST_SECONDS)
    if client.run is not None:
        client.end("KILLED")


main(*sys.argv[1:])
