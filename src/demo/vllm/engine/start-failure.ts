/** Who says it, for the prefix of the log line. */
export type LogOrigin = 'APIServer' | 'EngineCore';

/** vLLM gives up before it serves. The process prints `lines` and ends with exit code 1. */
export class StartFailure extends Error {
  readonly exitCode = 1;
  readonly lines: readonly { readonly origin: LogOrigin; readonly text: string }[];

  constructor(lines: readonly { readonly origin: LogOrigin; readonly text: string }[]) {
    super(lines.map(({ text }) => text).join('\n'));
    this.lines = lines;
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
    return new StartFailure([
      { origin: 'EngineCore', text: 'ERROR [core.py:1330] EngineCore failed to start.' },
      { origin: 'EngineCore', text: 'Traceback (most recent call last):' },
      { origin: 'EngineCore', text: reason },
      { origin: 'APIServer', text: 'Traceback (most recent call last):' },
      {
        origin: 'APIServer',
        text: 'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
      },
    ]);
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
