'use strict';

// Penny's own steps in the framework's commands, so that plain `npx serverless deploy` does all that is needed:
// stop early on what cannot work, make the package, check the template, leave alone the tables of an earlier stack,
// and tell what to go on with.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { leaveOutKeptTables } = require('./kept_tables');
const { tellOutputs } = require('./outputs');
const { checkAccount, checkRegion, checkRights, checkStage, missingSecrets } = require('./preflight');

const WITHOUT_AWS = new Set(['package', 'print']);

// What may be a Python that is new enough (3.11, as everything here), the project's own first.
const PYTHONS = ['.venv/bin/python', 'python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
const NEW_ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 11))';

class PennyPlugin {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.options = options;
    this.log = log;
    this.hooks = {
      'initialize': () => this.stopEarly(),
      'before:package:createDeploymentArtifacts': () => this.python('deploy.package'),
      'after:package:finalize': () => this.python('deploy.check_template', this.template),
      'before:aws:deploy:deploy:createStack': () => this.leaveOutKeptTables(),
      'after:deploy:deploy': () => this.tellOutputs(),
    };
  }

  get provider() {
    return this.serverless.getProvider('aws');
  }

  get stack() {
    return this.provider.naming.getStackName();
  }

  get template() {
    return path.join(this.options.package || '.serverless', 'cloudformation-template-update-stack.json');
  }

  async stopEarly() {
    const command = this.serverless.processedInput.commands.join(' ');
    checkStage(this.provider.getStage(), this.fail);
    if (command === 'deploy function') this.fail('The functions are one package: npx serverless deploy does them all.');
    if (WITHOUT_AWS.has(command)) return;
    checkRegion(this.options.region || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION, this.fail);
    if (command !== 'deploy') return;
    await checkAccount(this.provider, this.fail);
    const config = await this.provider.getAwsSdkV3Config();
    await checkRights(this.stack, config, this.fail);
    const missing = await missingSecrets(this.serverless.service.custom.secretsPrefix, config);
    if (missing.length) {
      const stage = this.provider.getStage();
      this.log.warning(`Penny cannot answer yet, SSM lacks ${missing.join(', ')}: make secrets STAGE=${stage}`);
    }
  }

  python(module, ...words) {
    const cwd = this.serverless.serviceDir;
    const python = PYTHONS.find((name) => spawnSync(name, ['-c', NEW_ENOUGH], { cwd }).status === 0);
    if (!python) this.fail('This needs Python 3.11 or newer, and there is none here: install one, or run make setup.');
    const done = spawnSync(python, ['-m', module, ...words], { cwd, encoding: 'utf8' });
    if (done.status !== 0) this.fail(done.stderr.replace(/^penny: /gm, '').trim());
    this.log.notice(done.stdout.trim());
  }

  async leaveOutKeptTables() {
    const template = this.serverless.service.provider.compiledCloudFormationTemplate;
    const config = await this.provider.getAwsSdkV3Config();
    for (const table of await leaveOutKeptTables(template, this.stack, config, this.fail)) {
      this.log.notice(`Table ${table} is there already and not this stack's: it is used as it is.`);
    }
  }

  async tellOutputs() {
    await tellOutputs(this.stack, await this.provider.getAwsSdkV3Config(), (line) => this.log.notice(line));
  }

  fail = (message) => {
    throw new this.serverless.classes.Error(message, 'PENNY');
  };
}

module.exports = PennyPlugin;
