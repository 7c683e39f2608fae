/** All commands by id. The stages' own are made from their schemas. */

import type { Command } from '@oclif/core';
import builtin from '#plugins';
import Autocomplete from './autocomplete.ts';
import Compare from './compare.ts';
import Cost from './cost.ts';
import Decode from './decode.ts';
import Doctor from './doctor.ts';
import Encode from './encode.ts';
import EngineInstall from './engine/install.ts';
import EngineList from './engine/list.ts';
import EngineRemove from './engine/remove.ts';
import { measureCommands } from './eval/measure-command.ts';
import { metricsExport } from './export-metrics.ts';
import { webExport } from './export-web.ts';
import Gc from './gc.ts';
import Import from './import.ts';
import Init from './init.ts';
import Ls from './ls.ts';
import PlanCommand from './plan.ts';
import Report from './report.ts';
import Rm from './rm.ts';
import Run from './run.ts';
import Schema from './schema.ts';
import Serve from './serve.ts';
import { stageCommand } from './stage-command.ts';
import Stages from './stages.ts';
import Status from './status.ts';
import Ui from './ui.ts';
import Verify from './verify.ts';

export const COMMANDS: Record<string, Command.Class> = {
  autocomplete: Autocomplete,
  compare: Compare,
  cost: Cost,
  decode: Decode,
  doctor: Doctor,
  encode: Encode,
  'engine:install': EngineInstall,
  'engine:list': EngineList,
  'engine:remove': EngineRemove,
  ...measureCommands(builtin.stages),
  gc: Gc,
  import: Import,
  init: Init,
  ls: Ls,
  plan: PlanCommand,
  report: Report,
  rm: Rm,
  run: Run,
  schema: Schema,
  serve: Serve,
  stages: Stages,
  status: Status,
  ui: Ui,
  verify: Verify,
  ...Object.fromEntries(
    builtin.stages.map((stage, i) => {
      const others = stage.writesForOthers ? [metricsExport, webExport] : [];
      return [stage.name, stageCommand(stage, i, others)];
    }),
  ),
};
