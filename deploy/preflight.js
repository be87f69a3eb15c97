'use strict';

// What stops a command before anything is made or sent. Each check calls `fail` with what is wrong and what to do.

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

module.exports = { checkAccount, checkRegion, checkStage };
