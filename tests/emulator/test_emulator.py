"""Functions on a real LocalStack, through AWS's own API."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gyre_emulator import processes

from .conftest import Aws, is_alive, wait_active, zipped

SHOW = """
    import os, sys
    def handler(event, context):
        return {"env": dict(os.environ), "path": sys.path, "pid": os.getpid(), "arn": context.invoked_function_arn,
                "custom": context.client_context and context.client_context.custom,
                "stream": context.log_stream_name}
"""


def wait_for(seconds: float, look: Any) -> Any:
    found: list[Any] = []

    def seen() -> bool:
        found[:] = [look()]
        return bool(found[0])

    assert processes.wait_until(seen, seconds, 0.1), "did not appear in time"
    return found[0]


def log_messages(aws: Aws, name: str) -> list[str]:
    logs = aws.client("logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].rstrip("\n") for event in events]


def test_a_function_sees_what_it_sees_on_aws(aws: Aws) -> None:
    # given
    aws.create("shows", SHOW, Environment={"Variables": {"STAGE": "local", "PYTHONPATH": "/extra"}}, MemorySize=192)
    context = base64.b64encode(json.dumps({"custom": {"client": "test"}}).encode()).decode()
    # when
    answer = aws.invoke("shows", ClientContext=context)
    # then
    assert answer.error is None
    seen = answer.payload["env"]
    root = seen["LAMBDA_TASK_ROOT"]
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "shows"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "192"
    assert seen["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "us-east-1"
    assert seen["AWS_ENDPOINT_URL"] == aws.emulator.url
    assert seen["_HANDLER"] == "app.handler"
    assert seen["TZ"] == ":UTC"
    assert seen["STAGE"] == "local"
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=")
    assert seen["AWS_LAMBDA_LOG_STREAM_NAME"] == answer.payload["stream"]
    assert seen["HOME"] == seen["TMPDIR"]
    assert seen["TMPDIR"].startswith(str(aws.emulator.home))
    assert answer.payload["path"][:2] == [root, "/extra"]
    assert answer.payload["arn"].endswith(":function:shows")
    assert answer.payload["custom"] == {"client": "test"}
    # and nothing of the caller's or of the emulator's own
    hidden = (
        "SECRET_OF_THE_CALLER",
        "HTTPS_PROXY",
        "FILESYSTEM_ROOT",
        "LAMBDA_RUNTIME_EXECUTOR",
        "LOCALSTACK_RUNTIME_ID",
    )
    assert not [name for name in hidden if name in seen]


def test_logs_arrive_in_cloudwatch_and_in_the_tail(aws: Aws) -> None:
    # given
    aws.create("talks", "def handler(e, c): print('said', e['word'])")
    # when
    first, second = aws.invoke("talks", {"word": "one"}), aws.invoke("talks", {"word": "two"})
    # then
    assert "said one\n" in first.tail
    assert "Init Duration" in first.tail
    assert "said two\n" in second.tail
    assert "Init Duration" not in second.tail
    assert "said one" not in second.tail
    assert processes.wait_until(lambda: len(log_messages(aws, "talks")) >= 9, 10)
    messages = log_messages(aws, "talks")
    assert [message.split(" ")[0] for message in messages] == [
        "INIT_START", "START", "said", "END", "REPORT", "START", "said", "END", "REPORT",
    ]  # fmt: skip


def test_an_init_error_reaches_the_caller_and_the_log(aws: Aws) -> None:
    # given
    aws.create("broken", "import nothing_of_the_kind")
    # when
    answer = aws.invoke("broken")
    # then
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_of_the_kind" in answer.payload["errorMessage"]
    assert "nothing_of_the_kind" in answer.tail
    wait_for(10, lambda: any("nothing_of_the_kind" in message for message in log_messages(aws, "broken")))
    # and again: it is not forgotten
    assert aws.invoke("broken").payload["errorType"] == "Runtime.ImportModuleError"


def test_after_a_timeout_or_a_crash_the_next_call_gets_a_fresh_process(aws: Aws) -> None:
    # given
    aws.create(
        "fails",
        """
        import os, time
        calls = 0
        def handler(event, context):
            global calls; calls += 1
            if event == "sleep": time.sleep(30)
            if event == "exit": os._exit(7)
            return [os.getpid(), calls]
        """,
        Timeout=1,
    )
    first, _ = aws.invoke("fails").payload
    # when
    timed_out = aws.invoke("fails", "sleep")
    # then
    assert timed_out.error == "Unhandled"
    assert timed_out.payload["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in timed_out.payload["errorMessage"]
    assert not is_alive(first)
    second, calls = aws.invoke("fails").payload
    assert second != first
    assert calls == 1
    # when
    crashed = aws.invoke("fails", "exit")
    # then
    assert crashed.payload["errorType"] == "Runtime.ExitError"
    assert crashed.payload["errorMessage"].endswith("Runtime exited with error: exit status 7")
    third, calls = aws.invoke("fails").payload
    assert third not in (first, second)
    assert calls == 1


def test_memory_size_is_enforced(aws: Aws) -> None:
    # given
    code = "import time\ndef handler(e, c):\n    held = b'x' * (400 << 20)\n    time.sleep(1)\n    return len(held)"
    aws.create("small", code, MemorySize=128)
    aws.create("large", code, MemorySize=1024)
    # when / then
    assert aws.invoke("small").payload["errorType"] == "Runtime.OutOfMemory"
    assert aws.invoke("large").payload == 400 << 20


def test_layers_are_merged_in_order_behind_the_code(aws: Aws) -> None:
    # given
    client = aws.client("lambda")
    layers = []
    for name, files in {
        "first": {"python/shared.py": "origin = 'first'", "python/one.py": "", "python/app.py": "", "lib/libx.so": ""},
        "second": {"python/shared.py": "origin = 'second'", "python/lib/python3.12/site-packages/two.py": ""},
    }.items():
        version = client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)})
        layers.append(version["LayerVersionArn"])
    code = """
        import os, one, shared, two
        def handler(event, context):
            libraries = os.environ["LD_LIBRARY_PATH"].split(":")
            return {"shared": shared.origin, "library": any(os.path.exists(f"{path}/libx.so") for path in libraries)}
    """
    # when
    aws.create("layered", code, Layers=layers)
    aws.create("reversed", code, Layers=layers[::-1])
    # then
    assert aws.invoke("layered").payload == {"shared": "second", "library": True}
    assert aws.invoke("reversed").payload == {"shared": "first", "library": True}


def create_image(aws: Aws, name: str, **code: Any) -> str:
    client = aws.client("lambda")
    client.create_function(FunctionName=name, PackageType="Image", Role=aws.role, Timeout=10, **code)
    wait_active(client, name)
    return str(client.get_function(FunctionName=name)["Configuration"].get("StateReason", ""))


def test_an_image_function_runs_from_its_folder(aws: Aws) -> None:
    # given
    folder = aws.images / "science"
    folder.mkdir()
    (folder / "tasks.py").write_text(
        "import os\ndef fit(e, c): return [os.environ['LAMBDA_TASK_ROOT'], os.getcwd(), e]"
    )
    uri = "registry.example/team/science:7"
    # when
    assert create_image(aws, "imaged", Code={"ImageUri": uri}, ImageConfig={"Command": ["tasks.fit"]}) == ""
    # then
    assert aws.invoke("imaged", 5).payload == [str(folder), str(folder), 5]


def test_a_missing_image_folder_is_said_at_creation(aws: Aws) -> None:
    # when
    reason = create_image(aws, "unbuilt", Code={"ImageUri": "x/unbuilt:1"}, ImageConfig={"Command": ["a.b"]})
    # then
    assert str(aws.images / "unbuilt") in reason
    assert "make package" in reason


def test_an_image_without_a_handler_is_said_at_creation(aws: Aws) -> None:
    (aws.images / "silent").mkdir()
    assert "ImageConfig.Command" in create_image(aws, "silent", Code={"ImageUri": "x/silent:1"})


def test_another_runtime_is_refused_at_creation(aws: Aws) -> None:
    # given
    client = aws.client("lambda")
    code = {"ZipFile": zipped({"app.py": ""})}
    # when
    client.create_function(FunctionName="node", Runtime="nodejs20.x", Handler="a.b", Role=aws.role, Code=code)
    # then
    wait_for(10, lambda: client.get_function(FunctionName="node")["Configuration"]["State"] == "Failed")
    assert "python3.12" in client.get_function(FunctionName="node")["Configuration"]["StateReason"]


def test_a_burst_waits_for_few_environments(aws: Aws) -> None:
    # given: this emulator allows two environments per function
    aws.create("busy", "import os, time\ndef handler(e, c):\n    time.sleep(0.2)\n    return os.getpid()")
    # when
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: aws.invoke("busy"), range(8)))
    # then
    assert all(answer.error is None for answer in answers)
    assert len({answer.payload for answer in answers}) == 2


def test_reserved_concurrency_throttles(aws: Aws) -> None:
    # given
    aws.create("throttled", "def handler(e, c): return 1")
    aws.client("lambda").put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    # when / then
    with pytest.raises(ClientError) as throttled:
        aws.invoke("throttled")
    assert throttled.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_asynchronous_calls_run(aws: Aws) -> None:
    # given
    aws.create("later", "def handler(e, c): print('got', e)")
    # when
    accepted = aws.client("lambda").invoke(FunctionName="later", InvocationType="Event", Payload=b'"it"')
    # then
    assert accepted["StatusCode"] == 202
    wait_for(15, lambda: "got it" in log_messages(aws, "later"))


def test_new_code_replaces_the_process(aws: Aws) -> None:
    # given
    client = aws.client("lambda")
    aws.create("changes", "import os\ndef handler(e, c): return ['old', os.getpid()]")
    _, process = aws.invoke("changes").payload
    # when
    client.update_function_code(
        FunctionName="changes", ZipFile=zipped({"app.py": "def handler(e, c): return ['new', 0]"})
    )
    wait_active(client, "changes")
    # then
    assert aws.invoke("changes").payload == ["new", 0]
    assert processes.wait_until(lambda: not is_alive(process), 10)


def test_a_deleted_function_leaves_no_process(aws: Aws) -> None:
    # given
    process = aws.invoke(aws.create("goes", "import os\ndef handler(e, c): return os.getpid()")).payload
    assert is_alive(process)
    # when
    aws.client("lambda").delete_function(FunctionName="goes")
    # then
    assert processes.wait_until(lambda: not is_alive(process), 10)


def test_a_function_can_call_the_emulated_aws_by_plain_http(aws: Aws) -> None:
    # given: what boto3 would do with AWS_ENDPOINT_URL
    aws.create(
        "calls",
        """
        import os, urllib.request
        def handler(event, context):
            return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_localstack/health", timeout=5).status
        """,
    )
    # when / then
    assert aws.invoke("calls").payload == 200


def stack_template(key: str, extra: dict[str, Any] | None = None) -> str:
    api = {"Ref": "Api"}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.12", "Handler": "app.handler", "CodeUri": {"Bucket": "artifacts", "Key": key},
            "Layers": [{"Ref": "Shared"}], "Timeout": 10,
            "Events": {
                "Root": {"Type": "Api", "Properties": {"Path": "/", "Method": "any", "RestApiId": api}},
                "Rest": {"Type": "Api", "Properties": {"Path": "/{proxy+}", "Method": "any", "RestApiId": api}},
                "Queue": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}, "BatchSize": 1}},
            },
        },
    }  # fmt: skip
    resources: dict[str, Any] = {
        "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "v1"}},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Shared": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {
                "ContentUri": {"Bucket": "artifacts", "Key": "layer.zip"},
                "CompatibleRuntimes": ["python3.12"],
            },
        },
        "Function": function,
        **(extra or {}),
    }
    outputs = {
        "Api": {"Value": {"Ref": "Api"}},
        "Queue": {"Value": {"Ref": "Queue"}},
        "Name": {"Value": {"Ref": "Function"}},
    }
    return json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources, "Outputs": outputs})


def wait_stack(client: Any, name: str) -> dict[str, Any]:
    def settled() -> Any:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack: dict[str, Any] = wait_for(50, settled)
    return stack


@pytest.fixture
def artifacts(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts")
    code = """
import shared
def handler(event, context):
    print("seen", "Records" in event)
    return {{"statusCode": 200, "body": shared.name + "{}"}}
"""
    for key, files in {
        "v1.zip": {"app.py": code.format("1")},
        "v2.zip": {"app.py": code.format("2")},
        "layer.zip": {"python/shared.py": "name = 'v'"},
    }.items():
        s3.put_object(Bucket="artifacts", Key=key, Body=zipped(files))


@pytest.mark.timeout(120)
def test_a_stack_is_created_called_updated_and_deleted(aws: Aws, artifacts: None) -> None:
    # given
    cloudformation = aws.client("cloudformation")
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    # when
    cloudformation.create_stack(StackName="gyre", TemplateBody=stack_template("v1.zip"), Capabilities=capabilities)
    stack = wait_stack(cloudformation, "gyre")
    # then
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    url = f"{aws.emulator.url}/_aws/execute-api/{outputs['Api']}/v1/any/where"
    assert urllib.request.urlopen(url, timeout=20).read() == b"v1"
    # and the queue reaches it
    aws.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="hello")
    wait_for(20, lambda: "seen True" in log_messages(aws, outputs["Name"]))
    # when
    cloudformation.update_stack(StackName="gyre", TemplateBody=stack_template("v2.zip"), Capabilities=capabilities)
    # then
    assert wait_stack(cloudformation, "gyre")["StackStatus"] == "UPDATE_COMPLETE"
    assert urllib.request.urlopen(url, timeout=20).read() == b"v2"
    # when
    cloudformation.delete_stack(StackName="gyre")

    # then
    def gone() -> bool:
        try:
            stacks = cloudformation.describe_stacks(StackName="gyre")["Stacks"]
        except ClientError:
            return True
        return bool(stacks[0]["StackStatus"] == "DELETE_COMPLETE")

    assert processes.wait_until(gone, 30, 0.25)


def test_a_type_that_is_not_emulated_fails_the_stack_and_is_named(aws: Aws) -> None:
    # given
    cloudformation = aws.client("cloudformation")
    table = {"Table": {"Type": "AWS::Glue::Database", "Properties": {}}}
    # when
    cloudformation.create_stack(StackName="odd", TemplateBody=json.dumps({"Resources": table}))
    stack = wait_stack(cloudformation, "odd")
    # then
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert "AWS::Glue::Database" in stack["StackStatusReason"]


def test_warm_calls_are_fast(aws: Aws) -> None:
    # given
    aws.create("quick", "def handler(e, c): return e")
    client = aws.client("lambda")
    client.invoke(FunctionName="quick", Payload=b"1")
    # when
    durations = []
    for _ in range(20):
        began = time.perf_counter()
        client.invoke(FunctionName="quick", Payload=b"1")
        durations.append(time.perf_counter() - began)
    # then: LocalStack's gateway included
    assert sorted(durations)[10] < 0.1
