'use strict';

// Tables stay when their stack is removed, under fixed names, and CloudFormation refuses to create what is there
// (AlreadyExists). So a table that exists and is not the stack's own is left out of the template; functions and
// roles know tables by name alone and find it. What the stack owns is never left out.

const { CloudFormationClient, paginateListStackResources } = require('@aws-sdk/client-cloudformation');
const { DescribeTableCommand, DynamoDBClient } = require('@aws-sdk/client-dynamodb');

// In these states CloudFormation has let go of a resource, or never had it.
const NOT_OWNED = new Set(['DELETE_COMPLETE', 'DELETE_SKIPPED', 'CREATE_FAILED']);

/** Takes the tables out of `template` that are there already; returns their names. */
async function leaveOutKeptTables(template, stack, config, fail) {
  const owned = await ownedBy(stack, new CloudFormationClient(config));
  const dynamodb = new DynamoDBClient(config);
  const kept = [];
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::DynamoDB::Table' || owned.has(id)) continue;
    const table = await find(dynamodb, Properties.TableName);
    if (!table) continue;
    checkIsUsable(table, Properties, fail);
    delete template.Resources[id];
    kept.push(Properties.TableName);
  }
  return kept;
}

async function ownedBy(stack, client) {
  const owned = new Set();
  try {
    for await (const page of paginateListStackResources({ client }, { StackName: stack })) {
      for (const resource of page.StackResourceSummaries || []) {
        if (!NOT_OWNED.has(resource.ResourceStatus)) owned.add(resource.LogicalResourceId);
      }
    }
  } catch (error) {
    if (!/does not exist/.test(error.message)) throw error; // there is no stack yet
  }
  return owned;
}

async function find(dynamodb, name) {
  try {
    return (await dynamodb.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error.name === 'ResourceNotFoundException') return null;
    throw error;
  }
}

/** No one else will notice that a table of an older version lacks a key or an index: this stack does not change it. */
function checkIsUsable(table, wanted, fail) {
  const name = wanted.TableName;
  if (table.TableStatus === 'DELETING') fail(`Table ${name} is being deleted: deploy again in a minute.`);
  const has = indexes(table);
  const missing = indexes(wanted).filter((index) => !has.includes(index));
  if (missing.length) {
    fail(
      `Table ${name} was kept from an earlier stack and lacks ${missing.join(' and ')}, which this version needs: ` +
        'import it into the stack (docs/operating.md) or change it by hand, then deploy again.'
    );
  }
}

/** The table's own key and those of its indexes, each in one line. */
function indexes({ KeySchema, GlobalSecondaryIndexes }) {
  const keys = (schema) => schema.map((key) => `${key.KeyType} ${key.AttributeName}`).sort().join(', ');
  return [`the key (${keys(KeySchema)})`].concat(
    (GlobalSecondaryIndexes || []).map((index) => `index ${index.IndexName} (${keys(index.KeySchema)})`)
  );
}

module.exports = { leaveOutKeptTables };
