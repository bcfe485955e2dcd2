const { readdirSync } = require('node:fs');
const { join } = require('node:path');

const LOCAL = 'local';
/** What makes sense on a stage that is not on AWS. */
const LOCAL_COMMANDS = ['offline', 'print', 'help'];

/** Refuses a stage that has no file in stages/, and everything but running on stage local, in a line that says what there is. */
module.exports = class Stages {
  constructor(serverless, options) {
    const { stage = serverless.service.provider.stage } = options;
    const deployed = readdirSync(join(__dirname, 'stages'))
      .map((file) => file.replace(/\.yml$/, ''))
      .filter((name) => name !== LOCAL)
      .sort();
    const [command] = serverless.processedInput.commands;
    const refuse = (why) => {
      throw new serverless.classes.Error(
        `${why} Stages that can be deployed: ${deployed.join(', ')}.`,
        'STAGE_REFUSED',
      );
    };
    if (stage === LOCAL) {
      if (command && !LOCAL_COMMANDS.includes(command))
        refuse(`Stage local runs on this machine, with npm start; there is nothing to ${command}.`);
      // npm start reads the stream and the inbox itself; serverless-offline would let anyone on this machine call what
      // does, unasked.
      this.hooks = {
        'before:offline:start:init': () => {
          const { functions } = serverless.service;
          for (const [name, { events = [] }] of Object.entries(functions))
            if (!events.some(({ httpApi }) => httpApi)) delete functions[name];
        },
      };
    } else if (!deployed.includes(stage)) refuse(`There is no stage ${stage}.`);
    else {
      this.hooks = {
        initialize: () => {
          const { custom, functions } = serverless.service;
          if (custom.stage.warehouse.engine === 'none') delete functions.warehouse;
        },
      };
    }
  }
};
