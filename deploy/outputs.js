'use strict';

// What a deployment made that its operator goes on with: the outputs of the stack, one line each.

const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');

const TOLD = new Set(['RequestUrl', 'AlarmTopic']); // the framework adds some of its own

async function tellOutputs(stack, config, tell) {
  const { Stacks } = await new CloudFormationClient(config).send(new DescribeStacksCommand({ StackName: stack }));
  for (const { OutputKey, OutputValue, Description } of Stacks[0].Outputs || []) {
    if (TOLD.has(OutputKey)) tell(`${OutputKey}: ${OutputValue}\n  ${Description}`);
  }
}

module.exports = { tellOutputs };
