/** Who may import whom; see ARCHITECTURE.md. Types count: what a file names, it knows. */

/**
 * @param {string} from
 * @param {string[]} rooms the only rooms of src that it may import, besides itself and the leaves
 */
const only = (from, rooms) => ({
  name: `${from.replace('/', '-')}-imports`,
  comment: `${from} may import ${rooms.join(', ') || 'no other room'} and the leaf files`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^src/[^/]+/', pathNot: `^src/(${[from, ...rooms].join('|')})/` },
});

module.exports = {
  forbidden: [
    only('artifacts', []),
    only('cluster', []),
    only('http', []),
    only('hub', ['http']),
    only('engine', []),
    only('math', ['engine']),
    only('models', ['math', 'engine', 'artifacts']),
    only('data', ['artifacts', 'hub', 'cluster']),
    only('training', ['models', 'data', 'math', 'engine', 'artifacts', 'cluster']),
    only('evaluation', ['models', 'data', 'math', 'engine', 'artifacts', 'http']),
    only('sampling', ['models', 'data', 'math', 'engine', 'artifacts']),
    only('runs', ['artifacts']),
    only('pipeline', ['runs', 'plugin', 'artifacts', 'hub', 'cluster']),
    only('reporting', ['pipeline', 'runs']),
    only('library', ['sampling', 'evaluation', 'models', 'data', 'engine', 'artifacts', 'runs', 'pipeline']),
    only('server', ['library']),
    only('publish', ['library', 'models', 'data', 'artifacts', 'runs']),
    only('ui', ['publish', 'reporting', 'runs', 'artifacts']),
    only('web', ['ui', 'publish', 'sampling', 'models', 'data', 'engine', 'artifacts']),
    only('setup', ['data', 'pipeline']),
    only('commands', [
      'cluster',
      'server',
      'hub',
      'publish',
      'ui',
      'setup',
      'library',
      'pipeline',
      'runs',
      'reporting',
      'plugin',
      'engine',
    ]),
    {
      name: 'plugin-door-takes-types-only',
      comment: 'The public door names the engine as a type and loads nothing of it.',
      severity: 'error',
      from: { path: '^src/plugin/' },
      to: { path: '^src/(?!plugin/|errors)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'leaves-import-nothing',
      comment: 'errors, random, shapes and process-lock stand at the bottom; paths knows errors.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: '^src/', pathNot: '^src/errors\\.ts$' },
    },
    {
      name: 'runs-look-at-no-configuration-and-no-corpus',
      comment: 'A plan makes a run; everything else reads one.',
      severity: 'error',
      from: { path: '^src/runs/' },
      to: { path: '^src/(pipeline|data|commands)/|node_modules/(yaml|cosmiconfig)/' },
    },
    {
      name: 'only-init-loads-what-init-needs',
      comment: 'Prompts, surveys and measurements are imported when `calm init` comes to them.',
      severity: 'error',
      from: { pathNot: '^src/(setup|commands/init)/' },
      to: { path: '^src/(setup/|commands/init/(?!standard))', dynamic: false },
    },
    {
      name: 'prompts-are-loaded-when-asked',
      severity: 'error',
      from: { pathNot: '^src/commands/init/questions' },
      to: { path: '@clack/|^src/commands/init/questions', dynamic: false },
    },
    {
      name: 'tensorflow-in-the-engine-room-only',
      severity: 'error',
      from: { pathNot: '^src/engine/' },
      to: { path: '@tensorflow/' },
    },
    {
      name: 'pipeline-knows-no-tensor',
      severity: 'error',
      from: { path: '^src/(pipeline|runs|artifacts|data|setup|reporting)/' },
      to: { path: '^src/(engine|math|models|training|evaluation|sampling)/' },
    },
    {
      name: 'plugins-are-closed-rooms',
      comment:
        "Built-in stages use the package's public exports, as a third party's would (Biome forbids paths " +
        'into src), and nothing of each other but what stands in a folder of its own.',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^plugins/', pathNot: ['^plugins/$1/', '^plugins/(checks|fields|importing|training)/'] },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['calm-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
