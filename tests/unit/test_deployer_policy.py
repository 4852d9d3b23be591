"""What a person needs to be allowed for `make deploy`: as much as CloudFormation says that it calls, and no more.

CloudFormation calls AWS with the rights of whoever deploys; the schema of each resource type names what it calls
("handlers"). The deployed tests compare the policy with what the SAM CLI and `make deploy` call themselves.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from tests.rights import RESOURCES, listed

POLICY = json.loads((Path(__file__).parents[2] / ".make/deployer-policy.json").read_text(encoding="utf-8"))
GRANTED = {action for statement in POLICY["Statement"] for action in listed(statement["Action"])}

# What SAM makes of its own types; the deployed tests hold the processed template to it.
MADE_BY_SAM = {
    "AWS::Serverless::Function": (
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Scheduler::Schedule",
    ),
    "AWS::Serverless::HttpApi": ("AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"),
    "AWS::Serverless::LayerVersion": ("AWS::Lambda::LayerVersion",),
}

# Of features that no resource of ours has.
UNUSED = re.compile(
    r"""
    (codedeploy|ec2|elasticfilesystem|firehose|kinesis|kms|s3files):.*
    | dynamodb:.*(ContributorInsights|Import|KinesisStreamingDestination|Replica)(Table)?
    | dynamodb:(DeleteResourcePolicy|PutResourcePolicy|BatchWriteItem|Scan|DeleteTable|ImportTable)
    | iam:(CreateServiceLinkedRole|AttachRolePolicy|DetachRolePolicy)
    | lambda:.*(CapacityProvider|CodeSigningConfig|RuntimeAlias|RuntimeManagementConfig)
    | lambda:(Delete|Put)(FunctionConcurrency|FunctionScalingConfig|ProvisionedConcurrencyConfig)
    | logs:(Associate|Delete|Disassociate|Put).*(Authentication|DataProtectionPolicy|IndexPolicy|KmsKey|Protection)
    | logs:(CreateLogStream|DescribeLogStreams|PutLogEvents|DeleteResourcePolicy)
    | s3:(GetObjectMetadata|REST[.]PUT[.]OBJECT|getObject)
    | secretsmanager:.*(RandomPassword|Replicat|Replication).*
    """,
    re.VERBOSE,
)
# What is in no schema. Logs of an API: API Gateway Developer Guide, "Configure logging for HTTP APIs".
FURTHER = {
    *("logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:UpdateLogDelivery"),
    *("route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"),
    "route53:ListResourceRecordSets",
}
# What the SAM CLI and `make deploy` call themselves: tests/e2e/test_deployed.py.
OF_THE_COMMAND = {
    *("cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DeleteStack"),
    *("cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
    *("cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate", "cloudformation:GetTemplateSummary"),
    *("cloudformation:ListStackResources", "cloudformation:TagResource", "cloudformation:UntagResource"),
    *("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"),
    *("lambda:GetAccountSettings", "secretsmanager:PutSecretValue"),
    # The bucket that SAM makes, by a stack of its own.
    *(
        "s3:AbortMultipartUpload",
        "s3:CreateBucket",
        "s3:GetBucketLocation",
        "s3:GetBucketPolicy",
        "s3:GetBucketTagging",
    ),
    *("s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:ListBucket", "s3:PutBucketPolicy"),
    *("s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning"),
    *("s3:PutEncryptionConfiguration", "s3:PutObject"),
}


def resource_types() -> list[str]:
    """That CloudFormation makes of the template."""
    kinds = {found["Type"] for found in RESOURCES.values()}
    return sorted({made for kind in kinds for made in MADE_BY_SAM.get(kind, (kind,))})


def called_for(kind: str) -> set[str]:
    """Actions, to create, read, update and delete a resource, but for those of what ours has not."""
    # Here, since it costs whoever only collects a second. cfn-lint has no types.
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped] # noqa: PLC0415

    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    found = {
        action
        for name, handler in handlers.items()
        if name in ("create", "read", "update", "delete")
        for action in handler["permissions"]
    }
    return {action for action in found if not UNUSED.fullmatch(action)}


@pytest.mark.parametrize("kind", resource_types())
def test_the_deployers_policy_grants_what_cloudformation_calls(kind: str) -> None:
    missing = {action for action in called_for(kind) if not any(fnmatchcase(action, each) for each in GRANTED)}
    assert missing == set()


def test_nothing_is_granted_that_nobody_calls() -> None:
    called = FURTHER | OF_THE_COMMAND
    for kind in resource_types():
        called |= called_for(kind)
    assert [each for each in sorted(GRANTED) if not any(fnmatchcase(action, each) for action in called)] == []


def test_no_more_than_reading_is_granted_by_a_pattern() -> None:
    assert [action for action in GRANTED if "*" in action and not re.search(r":(Describe|Get|List)\*$", action)] == []


def test_only_what_has_no_name_of_the_stack_is_granted_on_anything() -> None:
    anything = [statement["Sid"] for statement in POLICY["Statement"] if statement["Resource"] == "*"]
    assert anything == ["TemplatesAreOfNoStackYet", "EventSourceMappingsHaveNoNames", "AccessLogOfTheApi"]


def test_every_secret_of_the_template_is_the_deployers_to_fill() -> None:
    """CloudFormation names a secret after its logical id, without the stack."""
    (resources,) = [statement["Resource"] for statement in POLICY["Statement"] if statement["Sid"] == "ThinkificsKey"]
    secrets = [name for name, found in RESOURCES.items() if found["Type"] == "AWS::SecretsManager::Secret"]
    (pattern,) = listed(resources)
    assert secrets
    for name in secrets:
        assert fnmatchcase(f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-x7Kq2", pattern)


def test_it_fits_into_a_managed_policy() -> None:
    """6,144 characters without white space (IAM and STS quotas), for a stack's name of 32."""
    text = re.sub(r"\s", "", json.dumps(POLICY)).replace("STACK", "s" * 32)
    assert len(text) <= 6144
