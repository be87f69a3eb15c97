'use strict';

// What stops a command before anything is made or sent. Each check calls `fail` with what is wrong and what to do.

const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { GetParametersCommand, SSMClient } = require('@aws-sdk/client-ssm');

// The longest name with a stage in it is a function's, penny-STAGE-reconcile; Lambda takes 64 characters, and
// queues, tables, parameters and stacks take letters, digits and hyphens:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
const STAGE = /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/;

const REFUSED = new Set(['ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId', 'SignatureDoesNotMatch']);

function checkStage(stage, fail) {
  if (!STAGE.test(stage)) {
    fail(`"${stage}" cannot be a stage: AWS takes 1 to 40 letters, digits and hyphens in these names, a hyphen not first.`);
  }
}

function checkRegion(region, fail) {
  if (!region) {
    fail('The region is not set, so this could reach the wrong one: add --region eu-central-1, or export AWS_REGION.');
  }
}

async function checkAccount(provider, fail) {
  try {
    await provider.getAccountId();
  } catch (error) {
    const code = error.code === 'AWS_CREDENTIALS_NOT_FOUND' ? error.code : (error.providerError || error).name;
    if (code === 'AWS_CREDENTIALS_NOT_FOUND' || code === 'CredentialsProviderError') {
      fail('There are no AWS credentials: log in with aws sso login or aws configure, and choose by AWS_PROFILE.');
    }
    if (REFUSED.has(code)) fail(`AWS refuses the credentials (${code}): log in again, then try aws sts get-caller-identity.`);
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED/.test(error.message + error.code)) {
      fail(`AWS cannot be reached in ${provider.getRegion()}: is the region spelt right, and the network there?`);
    }
    throw error;
  }
}

// Whoever may not even look at the stack may not deploy it, and should hear so before a minute's work.
async function checkRights(stack, config, fail) {
  try {
    await new CloudFormationClient(config).send(new DescribeStacksCommand({ StackName: stack }));
  } catch (error) {
    if (!/AccessDenied|not authorized/.test(error.name + error.message)) return; // most likely there is no stack yet
    fail(
      `These credentials may not deploy (${error.message}). It takes rights for CloudFormation, S3, IAM, Lambda, API ` +
        'Gateway, SQS, DynamoDB, EventBridge, CloudWatch, SNS and SSM: choose others by AWS_PROFILE, or ask for them.'
    );
  }
}

const SECRETS = ['SLACK_SIGNING_SECRET', 'SLACK_BOT_TOKEN', 'OPENROUTER_API_KEY'];

/** The secrets of a stage that are not in SSM; none where these credentials may not look. No value is decrypted. */
async function missingSecrets(prefix, config) {
  const Names = SECRETS.map((name) => `${prefix}/${name}`);
  try {
    const found = await new SSMClient(config).send(new GetParametersCommand({ Names, WithDecryption: false }));
    return Names.filter((name) => !(found.Parameters || []).some((parameter) => parameter.Name === name));
  } catch {
    return [];
  }
}

module.exports = { checkAccount, checkRegion, checkRights, checkStage, missingSecrets };
