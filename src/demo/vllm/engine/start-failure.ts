/** Who says it, for the prefix of the log line. */
export type LogOrigin = 'APIServer' | 'EngineCore';

const PACKAGES = '/usr/local/lib/python3.12/dist-packages';
/**
 * Where the server of vLLM 0.26 is when it hears that its engine did not start. It is as long as in reality, because
 * it pushes the cause out of the end of the log that a kubelet passes on.
 */
const SERVER_FRAMES: readonly (readonly [file: string, line: number, name: string, code: string])[] = [
  ['vllm/entrypoints/cli/main.py', 95, 'main', 'args.dispatch_function(args)'],
  ['vllm/entrypoints/cli/serve.py', 148, 'cmd', 'uvloop.run(run_server(args))'],
  ['uvloop/__init__.py', 96, 'run', 'return __asyncio.run('],
  ['asyncio/runners.py', 194, 'run', 'return runner.run(main)'],
  ['asyncio/runners.py', 118, 'run', 'return self._loop.run_until_complete(task)'],
  ['uvloop/__init__.py', 48, 'wrapper', 'return await main'],
  [
    'vllm/entrypoints/openai/api_server.py',
    759,
    'run_server',
    'await run_server_worker(listen_address, sock)',
  ],
  [
    'vllm/entrypoints/openai/api_server.py',
    773,
    'run_server_worker',
    'async with build_async_engine_client(',
  ],
  ['contextlib.py', 210, '__aenter__', 'return await anext(self.gen)'],
  [
    'vllm/entrypoints/openai/api_server.py',
    139,
    'build_async_engine_client',
    'async with build_async_engine_client_from_engine_args(',
  ],
  ['contextlib.py', 210, '__aenter__', 'return await anext(self.gen)'],
  [
    'vllm/entrypoints/openai/api_server.py',
    175,
    'build_async_engine_client_from_engine_args',
    'async_llm = AsyncLLM.from_vllm_config(',
  ],
  ['vllm/v1/engine/async_llm.py', 217, 'from_vllm_config', 'return cls('],
  ['vllm/v1/engine/async_llm.py', 146, '__init__', 'EngineCoreClient.make_async_mp_client('],
  ['vllm/v1/engine/core_client.py', 132, 'make_async_mp_client', 'return AsyncMPClient(*client_args)'],
  ['vllm/v1/engine/core_client.py', 963, '__init__', 'super().__init__('],
  ['vllm/v1/engine/core_client.py', 573, '__init__', 'with launch_core_engines('],
  ['contextlib.py', 144, '__exit__', 'next(self.gen)'],
  ['vllm/v1/engine/utils.py', 1213, 'launch_core_engines', 'wait_for_engine_startup('],
  ['vllm/v1/engine/utils.py', 1272, 'wait_for_engine_startup', 'raise RuntimeError('],
];

interface LogLine {
  readonly origin: LogOrigin;
  readonly text: string;
}

/** vLLM gives up before it serves. The process prints `lines` and ends with exit code 1. */
export class StartFailure extends Error {
  readonly exitCode = 1;
  readonly lines: readonly LogLine[];
  /** What the engine process says of it through its logger, for whoever listens to that. */
  readonly engineRecord: readonly string[] | undefined;

  constructor(lines: readonly LogLine[], engineRecord?: readonly string[]) {
    super(lines.map(({ text }) => text).join('\n'));
    this.lines = lines;
    this.engineRecord = engineRecord;
  }

  /** A configuration that pydantic refuses: `1 validation error for ModelConfig`. */
  static validation(config: string, text: string): StartFailure {
    const lines = [
      `pydantic_core._pydantic_core.ValidationError: 1 validation error for ${config}`,
      ...text.split('\n'),
      '    For further information visit https://errors.pydantic.dev/2.13/v/value_error',
    ];
    return new StartFailure(lines.map((line) => ({ origin: 'APIServer', text: line })));
  }

  /** The engine process fails; the API server then gives up with a line that does not say why. */
  static engineCore(reason: string): StartFailure {
    const engine: LogLine[] = [
      { origin: 'EngineCore', text: 'ERROR [core.py:1330] EngineCore failed to start.' },
      { origin: 'EngineCore', text: 'Traceback (most recent call last):' },
      { origin: 'EngineCore', text: reason },
    ];
    const server: LogLine[] = [
      'Traceback (most recent call last):',
      ...SERVER_FRAMES.flatMap(([file, line, name, code]) => [
        `  File "${PACKAGES}/${file}", line ${line}, in ${name}`,
        `    ${code}`,
      ]),
      'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
    ].map((text) => ({ origin: 'APIServer', text }));
    return new StartFailure(
      [...engine, ...server],
      ['EngineCore failed to start.', 'Traceback (most recent call last):', reason],
    );
  }

  /** A Kubernetes Service called `vllm` puts its address into `VLLM_PORT`. */
  static portIsUri(value: string): StartFailure {
    return new StartFailure([
      {
        origin: 'APIServer',
        text: `ValueError: VLLM_PORT '${value}' appears to be a URI. This may be caused by a Kubernetes service discovery issue,check the warning in: https://docs.vllm.ai/en/stable/serving/env_vars.html`,
      },
    ]);
  }

  /** `CUDA_VISIBLE_DEVICES` names a MIG device. */
  static migUuid(value: string): StartFailure {
    return StartFailure.engineCore(`ValueError: invalid literal for int() with base 10: '${value}'`);
  }
}
