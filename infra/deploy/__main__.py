"""python -m infra.deploy [ENVIRONMENT]: deploys what is built; `local` is the emulator on this machine."""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request

from botocore.exceptions import BotoCoreError, ClientError

from gyre import __version__
from gyre.aws.s3 import S3Bucket
from gyre.errors import GyreError
from infra.deploy import DeployError
from infra.deploy.aws import deploy_to_aws
from infra.deploy.emulator import api_url, deploy_to_emulator
from infra.deploy.keys import ensure_admin_key
from infra.deploy.pseudonyms import add_pseudonym_key, ensure_pseudonym_keys
from infra.deploy.record import StackRecord, environment_path, read_record, record_path, write_record
from infra.deploy.stacks import Stack
from infra.deploy.target import Target, commit_of, speak_to, target_named
from infra.packaging import BuildError
from infra.packaging.workshop import Workshop

HEALTH_LIMIT_SECONDS = 60


def say(line: str) -> None:
    print(f"deploy: {line}", flush=True)


def deploy(environment: str, new_key: bool = False, new_pseudonym_key: bool = False) -> StackRecord:
    """Deploys, makes the keys where there are none, waits until the API answers, writes the record."""
    started = time.monotonic()
    target = target_named(environment)
    speak_to(target)
    commit = commit_of()
    if target.on_emulator:
        storage, stack = deploy_to_emulator(target, commit, Workshop(), say, _make_pseudonym_keys)
        url = api_url(target, stack)
    else:
        storage, stack = deploy_to_aws(target, commit, say, _make_pseudonym_keys)
        url = stack.outputs["ApiUrl"]
    # On the emulator a lost key is replaced without a word; elsewhere somebody may hold it.
    key = ensure_admin_key(
        S3Bucket(storage.outputs["ArtifactBucket"]), _known_secret(target), add=new_key or target.on_emulator
    )
    record = _record(target, storage, stack, url, key.secret, commit)
    write_record(record)  # before anything else can fail: nobody else knows a fresh key
    if key.fresh:
        say("made an admin key; only its hash is kept in the deployment")
    elif not key.secret:
        say("the deployment has an admin key that this machine does not; `--new-key` adds one of your own")
    if new_pseudonym_key:
        add_pseudonym_key(S3Bucket(storage.outputs["ArtifactBucket"]))
        say("added a key of pseudonyms: every function hashes with it within five minutes; the former ones are kept")
    _wait_for_health(url, commit)
    took = time.monotonic() - started
    say(f"{url}/ answers; {os.path.relpath(record_path())} holds the addresses and the key ({took:.1f} s)")
    return record


def _make_pseudonym_keys(storage: Stack) -> None:
    """Before any function of this deployment runs: without them it answers for no model with personal columns."""
    if ensure_pseudonym_keys(S3Bucket(storage.outputs["ArtifactBucket"])):
        say("made a key of pseudonyms; it lies in the artifact bucket alone")


def _known_secret(target: Target) -> str | None:
    try:
        return read_record(environment_path(target.environment)).api_key
    except DeployError:
        return None


def _record(target: Target, storage: Stack, stack: Stack, url: str, secret: str, commit: str) -> StackRecord:
    return StackRecord(
        environment=target.environment,
        stack=target.stack,
        region=target.region,
        endpoint_url=target.endpoint,
        api_url=url,
        api_key=secret,
        data_bucket=storage.outputs["DataBucket"],
        artifact_bucket=storage.outputs["ArtifactBucket"],
        journal_queue_url=stack.outputs["JournalQueueUrl"],
        journal_dead_letters_url=stack.outputs["JournalDeadLettersUrl"],
        notices_topic=stack.outputs["NoticesTopic"],
        training_state_machine=stack.outputs["TrainingStateMachine"],
        monitoring_state_machine=stack.outputs["MonitoringStateMachine"],
        version=__version__,
        commit=commit,
    )


def _wait_for_health(url: str, commit: str) -> None:
    """A stack can be complete and still be unable to answer, or answer with the code of before."""
    limit = time.monotonic() + HEALTH_LIMIT_SECONDS
    last = "no answer"
    while time.monotonic() < limit:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:  # noqa: S310
                told = json.load(answer)
            if told["commit"] == commit:
                return
            last = f"it still answers with commit {told['commit']}"
        except urllib.error.HTTPError as error:
            last = f"it answers {error.code}: {error.read(300).decode(errors='replace')}"
        except (urllib.error.URLError, OSError, ValueError) as error:
            last = str(error)
        time.sleep(0.3)
    raise DeployError(f"{url}/health is not well after {HEALTH_LIMIT_SECONDS} s: {last}. The function's log says more.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("environment", nargs="?", default="local", help="a section of samconfig.toml; default: local")
    parser.add_argument("--new-key", action="store_true", help="make another admin key, for one that was lost")
    parser.add_argument(
        "--new-pseudonym-key", action="store_true", help="hash personal columns with another key from now on"
    )
    try:
        options = parser.parse_args(arguments)
        deploy(options.environment, options.new_key, options.new_pseudonym_key)
    except (DeployError, BuildError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except GyreError as error:
        print(f"deploy: {error.message}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"deploy: AWS did not do what was asked: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
