"""template.yaml: a log, a policy and limits for each function; what the emulator lacks stands behind IsAws."""

from collections.abc import Iterator
from typing import Any

import pytest

from gyre import settings
from gyre.aws.cloudwatch import NAMESPACE
from gyre.journal.dead_letters import DEAD_LETTERS
from gyre.journal.metrics import LETTERS
from gyre.journal.outlet import OVERFLOW
from gyre.journal.sink import rest
from gyre.settings import PREFIX, Settings
from infra.openapi import document
from infra.packaging.recipe import PARTS
from infra.packaging.template import FUNCTION, LAYER, plain
from infra.packaging.workshop import Workshop
from tests.infra.facts import ROOT, api_events, folder_of, functions, of_type, storage, template

API = [name for name in functions() if api_events(name)]
# Seen on the emulator (docs/decisions): what it does not do at all, or does by half.
AWS_ONLY_TYPES = (
    "AWS::CloudWatch::",
    "AWS::Logs::MetricFilter",
    "AWS::Scheduler::",
    "AWS::Athena::",
    "AWS::Glue::",
    "AWS::WAFv2::",
    "AWS::XRay::",
)
# What takes no ARN, and how it is kept small all the same.
METRICS = (["cloudwatch:PutMetricData"], {"StringEquals": {"cloudwatch:namespace": "Gyre"}})
AWS_ONLY_PROPERTIES = ("MethodSettings", "TracingEnabled", "LifecycleConfiguration", "ReservedConcurrentExecutions")
BROKEN_ON_THE_EMULATOR = (
    "HttpApi",
    "AutoPublishAlias",
    "ScheduleV2",
    "Cognito",
    "Custom::",
    "AWS::Serverless::Connector",
)


def statements(function: str) -> list[dict[str, Any]]:
    return [each for policy in functions()[function]["Policies"] for each in policy["Statement"]]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text_of(resource: Any) -> str:
    """An ARN as the template writes it."""
    if isinstance(resource, dict):
        (value,) = resource.values()
        return value if isinstance(value, str) else ".".join(value)
    return str(resource)


def conditions(document_: dict[str, Any], resource: dict[str, Any]) -> set[str]:
    """All that must hold where it is deployed."""
    name = resource.get("Condition")
    parts = document_["Conditions"].get(name, {}).get("Fn::And", ())
    return {name, *(each["Condition"] for each in parts)} - {None}


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def settings_of(function: str) -> type[Settings]:
    """Of its own, or those of all functions of its folder."""
    name = "".join(word.capitalize() for word in folder_of(function).split("_")) + "Settings"
    own = function.removesuffix("Function") + "Settings"
    found: type[Settings] = getattr(settings, own, None) or getattr(settings, name)
    return found


def variables(function: str) -> set[str]:
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = template()["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {})
    return {name for name in {**common, **own} if name.startswith(PREFIX)}


def images() -> dict[str, tuple[str, str]]:
    """Context and Dockerfile of each function that is an image."""
    metadata = {name: found.get("Metadata", {}) for name, found in of_type(template(), FUNCTION).items()}
    return {n: (told["DockerContext"], told["Dockerfile"]) for n, told in metadata.items() if "Dockerfile" in told}


def owner(path: str) -> str:
    """The function that API Gateway hands a path to: the exact one, else the longest prefix."""
    prefixes = {route.removesuffix("/{proxy+}"): name for name in API for route in api_events(name)}
    exact = {route: name for name in API for route in api_events(name)}
    if path in exact:
        return exact[path]
    fitting = [prefix for prefix in prefixes if path.startswith(f"{prefix}/") and f"{prefix}/{{proxy+}}" in exact]
    return exact[f"{max(fitting, key=len)}/{{proxy+}}"]


@pytest.mark.parametrize("function", functions())
def test_a_function_has_a_log_of_its_name_that_is_not_kept_for_ever(function: str) -> None:
    properties = functions()[function]
    group = template()["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]
    assert group["Type"] == "AWS::Logs::LogGroup"
    assert group["Properties"]["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/{properties['FunctionName']['Fn::Sub']}"}
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_no_two_functions_share_a_log() -> None:
    groups = [properties["LoggingConfig"]["LogGroup"]["Ref"] for properties in functions().values()]
    assert len(groups) == len(set(groups))


@pytest.mark.parametrize("function", functions())
def test_a_function_has_a_policy_of_its_own(function: str) -> None:
    assert "Role" not in functions()[function]
    assert statements(function)
    assert all(statement["Effect"] == "Allow" and statement["Sid"] for statement in statements(function))


@pytest.mark.parametrize("function", functions())
def test_a_policy_names_its_actions_and_resources(function: str) -> None:
    for statement in statements(function):
        actions, resources = as_list(statement["Action"]), [text_of(each) for each in as_list(statement["Resource"])]
        assert not [action for action in actions if "*" in action], statement["Sid"]
        if (actions, statement.get("Condition")) != METRICS:
            assert not [arn for arn in resources if arn in ("*", "arn:*") or arn.endswith(":::*")], statement["Sid"]
        assert not {"NotAction", "NotResource"} & set(statement), statement["Sid"]


@pytest.mark.parametrize("function", functions())
def test_objects_are_reached_by_prefix_alone(function: str) -> None:
    for statement in statements(function):
        if any("Object" in action for action in as_list(statement["Action"])):
            for arn in map(text_of, as_list(statement["Resource"])):
                if (function, statement["Sid"]) == ("ErasureTasksFunction", "ReadEverything"):
                    continue  # the proof of an erasure is that everything was read
                assert arn.endswith("/*") and not arn.endswith("Name}/*"), f"{statement['Sid']}: the whole bucket"


@pytest.mark.parametrize("function", API)
def test_a_function_behind_the_api_answers_before_the_gateway_gives_up(function: str) -> None:
    assert functions()[function]["Timeout"] <= 29


@pytest.mark.parametrize("function", functions())
def test_a_function_runs_where_it_was_tested(function: str) -> None:
    properties = functions()[function]
    assert properties.get("Runtime", "python3.12") == "python3.12"
    assert properties["Architectures"] == ["x86_64"]


def test_the_queue_keeps_what_fails() -> None:
    queue = template()["Resources"]["JournalQueue"]["Properties"]
    target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert template()["Resources"][target]["Type"] == "AWS::SQS::Queue"
    condition, on_aws, on_the_emulator = queue["RedrivePolicy"]["maxReceiveCount"]["Fn::If"]
    # AWS counts a throttled try as well, and advises five.
    assert (condition, on_aws >= 5, on_the_emulator >= 2) == ("IsAws", True, True)
    assert template()["Resources"][target]["Properties"]["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"]


def test_a_message_is_given_up_by_the_function_before_the_queue_does() -> None:
    """At the last time that the queue hands it out its cause is known still."""
    limits = template()["Resources"]["JournalQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]["Fn::If"]
    told = functions()["PredictionLogFunction"]["Environment"]["Variables"]["GYRE_JOURNAL_TRIES"]["Fn::If"]
    assert [str(each) for each in limits] == told


def test_what_the_queue_gives_up_comes_to_the_function_that_makes_letters_of_it() -> None:
    queue = {"Fn::GetAtt": ["JournalDeadLetters", "Arn"]}
    mapping = template()["Resources"]["JournalDeadLettersMapping"]["Properties"]
    assert (mapping["EventSourceArn"], mapping["FunctionName"]) == (queue, {"Ref": "PredictionLogFunction"})
    function = functions()["PredictionLogFunction"]
    assert function["Environment"]["Variables"]["GYRE_JOURNAL_DEAD_LETTERS"] == queue
    # Lambda takes no queue that would hand a message out again while the function works on it.
    visible = template()["Resources"]["JournalDeadLetters"]["Properties"]["VisibilityTimeout"]["Fn::If"][1:]
    assert visible[0] >= 6 * function["Timeout"] and visible[1] > function["Timeout"]


def test_dead_letters_never_expire() -> None:
    """Each is all that is left of a call."""
    lifecycle = storage()["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Fn::If"][1]
    expiring = [each for each in lifecycle["Rules"] if {"ExpirationInDays", "NoncurrentVersionExpiration"} & set(each)]
    assert expiring and not [each for each in expiring if DEAD_LETTERS.startswith(each.get("Prefix", ""))]


def test_new_dead_letters_are_heard_of() -> None:
    alarm = template()["Resources"]["LettersAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == (NAMESPACE, LETTERS, 0)
    assert "Dimensions" not in alarm and alarm["AlarmActions"] == [{"Ref": "Notices"}]


def test_every_queue_is_encrypted_and_every_working_queue_redrives() -> None:
    queues = of_type(template(), "AWS::SQS::Queue")
    targets = {q["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
               for q in queues.values() if "RedrivePolicy" in q["Properties"]}  # fmt: skip
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert {name for name, queue in queues.items() if "RedrivePolicy" not in queue["Properties"]} == targets


def test_a_batch_is_not_handed_out_while_it_is_worked_on() -> None:
    mapping = template()["Resources"]["JournalMapping"]["Properties"]
    timeout = functions()[mapping["FunctionName"]["Ref"]]["Timeout"]
    on_aws, local = template()["Resources"]["JournalQueue"]["Properties"]["VisibilityTimeout"]["Fn::If"][1:]
    assert on_aws >= 6 * timeout
    assert local > timeout


def test_a_batch_fails_by_message() -> None:
    for mapping in of_type(template(), "AWS::Lambda::EventSourceMapping").values():
        assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


# --- the sink: nothing of it is there before somebody names a secret --------------------------------------------------

SINK = {name: each for name, each in template()["Resources"].items()
        if "Sink" in name or "Postgres" in name or "Sink" in str(each.get("Condition"))}  # fmt: skip


def test_nothing_of_the_sink_is_deployed_without_a_secret() -> None:
    assert {"SinkFunction", "PostgresLayer", "SinkMapping", "SinkQueue", "SinkDeadLetters"} <= set(SINK)
    for name, each in SINK.items():
        assert "HasSink" in conditions(template(), each), name
    assert template()["Parameters"]["SinkSecret"]["Default"] == ""
    assert template()["Conditions"]["HasSink"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SinkSecret"}, ""]}]}


def test_whoever_stays_without_a_sink_refers_to_nothing_of_it() -> None:
    for name, each in template()["Resources"].items():
        if name not in SINK:
            named = {str(value) for key, value in walk(each) if key in ("Ref", "Fn::GetAtt")} & set(SINK)
            variables = each.get("Properties", {}).get("Environment", {}).get("Variables", {})
            for variable, one in (("GYRE_SINK_QUEUE", "SinkQueue"), ("GYRE_SINK_ERASURE", "SinkErasureFunction")):
                if variables.get(variable) == {"Fn::If": ["HasSink", {"Ref": one}, ""]}:
                    named -= {one}
            assert named == set(), name


def test_the_journals_function_may_tell_the_sink_and_only_that() -> None:
    (statement,) = [each for each in statements("PredictionLogFunction") if each["Sid"] == "TellTheSink"]
    assert statement["Action"] == "sqs:SendMessage"
    name = SINK["SinkQueue"]["Properties"]["QueueName"]["Fn::Sub"]
    assert text_of(statement["Resource"]) == f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{name}"


def test_the_sinks_queue_outlasts_an_outage() -> None:
    """Its messages are put off for so long that in all their time they are not given up."""
    queue, mapping = SINK["SinkQueue"]["Properties"], SINK["SinkMapping"]["Properties"]
    tries = queue["RedrivePolicy"]["maxReceiveCount"]
    assert sum(rest(each) for each in range(1, tries)) > queue["MessageRetentionPeriod"] == 14 * 86_400
    assert queue["VisibilityTimeout"] >= 6 * functions()["SinkFunction"]["Timeout"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert SINK["SinkDeadLetters"]["Properties"]["MessageRetentionPeriod"] == queue["MessageRetentionPeriod"]


def test_the_sink_reads_its_own_secret_and_no_other() -> None:
    (statement,) = [each for each in statements("SinkFunction") if "secretsmanager" in str(each["Action"])]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert text_of(statement["Resource"]).endswith(":secret:${SinkSecret}-??????")


def test_people_hear_of_a_sink_that_takes_nothing_and_of_what_it_never_takes() -> None:
    alarms = {name: each["Properties"] for name, each in SINK.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert {name: each["MetricName"] for name, each in alarms.items()} == {
        "SinkAlarm": "Errors", "SinkDeadLettersAlarm": "ApproximateNumberOfMessagesVisible",
    }  # fmt: skip
    assert all(each["AlarmActions"] == [{"Ref": "Notices"}] for each in alarms.values())


@pytest.mark.parametrize("name", of_type(storage(), "AWS::S3::Bucket"))
def test_a_bucket_is_private_versioned_encrypted_and_kept(name: str) -> None:
    bucket = storage()["Resources"][name]
    properties = bucket["Properties"]
    assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_what_was_put_aside_outlives_the_messages_that_point_to_it_and_no_more() -> None:
    lifecycle = storage()["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Fn::If"][1]
    (rule,) = [each for each in lifecycle["Rules"] if each.get("Prefix") == OVERFLOW]
    queue = template()["Resources"]["JournalQueue"]["Properties"]
    # Among the dead letters a message goes on ageing from when it was sent.
    assert rule["ExpirationInDays"] * 86_400 > queue["MessageRetentionPeriod"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1


@pytest.mark.parametrize("name", of_type(storage(), "AWS::S3::Bucket"))
def test_a_bucket_speaks_tls_alone(name: str) -> None:
    policies = [
        policy
        for policy in of_type(storage(), "AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == {"Ref": name}
    ]
    (policy,) = policies
    (deny,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
    assert policy["DeletionPolicy"] == "RetainExceptOnCreate"


def test_data_lies_in_the_stack_that_is_never_deleted() -> None:
    assert of_type(template(), "AWS::S3::Bucket") == {}


@pytest.mark.parametrize("document_", [template, storage])
def test_what_the_emulator_lacks_is_behind_is_aws(document_: Any) -> None:
    for name, resource in document_()["Resources"].items():
        if resource["Type"].startswith(AWS_ONLY_TYPES):
            assert conditions(document_(), resource) >= {"IsAws"}, name
        for key, value in resource.get("Properties", {}).items():
            if key in AWS_ONLY_PROPERTIES:
                assert value["Fn::If"][0] == "IsAws", f"{name}.{key}"
    assert document_()["Conditions"]["IsAws"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Environment"}, "local"]}]}


def test_tracing_is_behind_is_aws() -> None:
    assert template()["Globals"]["Function"]["Tracing"] == {"Fn::If": ["IsAws", "Active", "PassThrough"]}


def test_what_breaks_the_emulator_is_nowhere() -> None:
    types = {value for key, value in walk(template()) if key == "Type" and isinstance(value, str)}
    keys = {key for key, _ in walk(template())}
    assert not [each for each in types | keys if any(word in each for word in BROKEN_ON_THE_EMULATOR)]


def test_a_schedule_has_no_input() -> None:
    """With a constant one the emulator never starts the machine."""
    events = [event for key, events in walk(template()) if key == "Events" for event in events.values()]
    schedules = [event["Properties"] for event in events if event["Type"] == "Schedule"]
    assert schedules
    assert not [schedule for schedule in schedules if "Input" in schedule]


@pytest.mark.parametrize("function", functions())
def test_every_variable_is_a_setting_of_its_function(function: str) -> None:
    fields = {PREFIX + name.upper() for name in settings_of(function).model_fields}
    assert variables(function) - fields == set()


@pytest.mark.parametrize("function", functions())
def test_every_required_setting_is_a_variable(function: str) -> None:
    required = {PREFIX + name.upper() for name, f in settings_of(function).model_fields.items() if f.is_required()}
    assert required - variables(function) == set()


def test_every_settings_class_has_a_function() -> None:
    assert {settings_of(function) for function in functions()} == set(Settings.__subclasses__())


def test_every_folder_has_a_function_and_the_other_way_round() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {folder_of(function) for function in functions()} == folders


@pytest.mark.parametrize("path", sorted(document()["paths"]))
def test_a_route_belongs_to_the_function_that_gets_it(path: str) -> None:
    tagged = {operation["tags"][0] for operation in document()["paths"][path].values()}
    assert tagged == {folder_of(owner(path))}


def test_what_nobody_owns_goes_to_inference() -> None:
    assert owner("/nowhere/at/all") == "InferenceFunction"


def test_a_prefix_has_one_owner_and_routes_below_it() -> None:
    """A new route below a prefix never changes the API, which the emulator could not update."""
    paths = [path for name in API for path in api_events(name)]
    assert len(paths) == len(set(paths))
    bare = [path for path in paths if not path.endswith("/{proxy+}") and path not in ("/", "/metrics")]
    assert not [path for path in bare if f"{path}/{{proxy+}}" not in paths]


def test_every_part_that_is_packaged_is_deployed_and_nothing_else() -> None:
    shop = Workshop()
    uris = [layer["Properties"]["ContentUri"] for layer in of_type(template(), LAYER).values()]
    uris += [properties["CodeUri"] for properties in functions().values() if "CodeUri" in properties]
    parts = {uri: shop.part_at(plain(uri)) for uri in (*uris, *(context for context, _ in images().values()))}
    assert [uri for uri, part in parts.items() if part is None] == []
    assert {part.name for part in parts.values() if part} == {part.name for part in PARTS}


def test_sam_takes_a_zip_as_it_was_packaged() -> None:
    """`sam build` calls `make build-<name>` for each of them, which copies what infra/packaging has built."""
    found = {**of_type(template(), LAYER), **of_type(template(), FUNCTION)}
    zips = {name: each for name, each in found.items() if each["Properties"].get("PackageType") != "Image"}
    methods = {name: each.get("Metadata", {}).get("BuildMethod") for name, each in zips.items()}
    assert methods == dict.fromkeys(zips, "makefile")
    assert "\nbuild-%:\n\t@$(DEV) -m infra.packaging sam $* " in (ROOT / "Makefile").read_text()


def test_sam_takes_an_image_as_it_was_packaged() -> None:
    for name, (context, _) in images().items():
        assert plain(context) == f".build/images/gyre-{folder_of(name)}"


def test_an_images_dockerfile_exists() -> None:
    known = {path.resolve() for path in (ROOT / "infra").glob("*Dockerfile")}
    assert {(ROOT / context / dockerfile).resolve() for context, dockerfile in images().values()} <= known


def test_an_images_command_is_a_handler() -> None:
    for name, properties in functions().items():
        if properties.get("PackageType") == "Image":
            (command,) = properties["ImageConfig"]["Command"]
            module, _, handler = command.partition(".")
            source = (ROOT / "functions" / folder_of(name) / f"{module}.py").read_text()
            assert f"\ndef {handler}(event: " in source


def test_delta_may_tidy_its_log() -> None:
    """After a commit Delta removes expired log files; refused, it calls the commit failed, and all comes again."""
    statements = template()["Resources"]["PredictionLogFunction"]["Properties"]["Policies"][0]["Statement"]
    (tidy,) = [each for each in statements if each["Action"] == "s3:DeleteObject"]
    assert tidy["Resource"]["Fn::Sub"].endswith("/journal/*/_delta_log/*")


def test_everybody_who_tells_may_publish() -> None:
    """A topic's policy replaces the default one: a service that is not in it is refused, and nobody hears of that."""
    resources = template()["Resources"]
    statements = resources["NoticesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    admitted = {each["Principal"]["Service"] for each in statements}
    telling = {
        "AWS::CloudWatch::Alarm": "cloudwatch.amazonaws.com",
        "AWS::Events::Rule": "events.amazonaws.com",
    }
    used = {telling[each["Type"]] for each in resources.values() if each["Type"] in telling}
    assert used == admitted


def test_an_upload_that_starts_nothing_is_told() -> None:
    invoke = template()["Resources"]["TrainingTriggerFunction"]["Properties"]["EventInvokeConfig"]
    assert invoke["DestinationConfig"]["OnFailure"] == {"Type": "SNS", "Destination": {"Ref": "Notices"}}
