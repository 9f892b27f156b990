import type { EngineReading } from '../../../../src/classroom/engine-watch/reading.ts';
import { IN_TURN, STARTS_LABEL } from '../../../../src/classroom/rollout/start-gate.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { merged, type Partially } from '../../../support/builders.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

/** An engine with nothing to do; a case states only what differs. */
export function reading(difference: Partial<EngineReading> = {}): EngineReading {
  return {
    running: 0,
    waiting: 0,
    promptTokens: 0,
    generatedTokens: 0,
    kvUsage: 0,
    kvCacheTokens: 113_136,
    ...difference,
  };
}

/** The lines of vLLM's metrics that matter here, and one that must not be taken for one of them. */
export function metricsText(difference: Partial<EngineReading> = {}): string {
  const { running, waiting, promptTokens, generatedTokens, kvUsage, kvCacheTokens } = reading(difference);
  const labels = '{engine="0",model_name="qwen"}';
  return [
    `vllm:num_requests_running${labels} ${running}.0`,
    `vllm:num_requests_waiting${labels} ${waiting}.0`,
    `vllm:num_requests_waiting_by_reason{engine="0",model_name="qwen",reason="capacity"} 99.0`,
    `vllm:kv_cache_usage_perc${labels} ${kvUsage}`,
    `vllm:prompt_tokens_total${labels} ${promptTokens}.0`,
    `vllm:generation_tokens_total${labels} ${generatedTokens}.0`,
    `vllm:cache_config_info{block_size="16",engine="0",kv_cache_size_tokens="${kvCacheTokens}",num_gpu_blocks="${Math.floor((kvCacheTokens ?? 0) / 16)}"} 1.0`,
    '',
  ].join('\n');
}

export interface EnginePodOptions {
  readonly node?: string;
  /** Time of the day on 2026-09-01; the container's start. */
  readonly started?: string;
  /** When it answered first; undefined: it has not yet. */
  readonly ready?: string | undefined;
  readonly args?: readonly string[];
  /** Whether it shares its GPU by time. Default: it does. */
  readonly shares?: boolean;
  readonly ended?: { readonly startedAt: string; readonly finishedAt: string };
}

const day = (time: string): string => `2026-09-01T${time}Z`;

/** A pod that shares a GPU of node-1 with others, answers since 09:01:00, and was started at 09:00:00. */
export function sharingPod(name: string, options: EnginePodOptions = {}): Pod {
  const {
    node = 'node-1',
    started = '09:00:00',
    args = ['m', '--max-model-len', '4096'],
    shares = true,
  } = options;
  const ready = 'ready' in options ? options.ready : '09:01:00';
  const difference: Partially<Pod> = {
    metadata: { name, uid: `uid-of-${name}`, labels: shares ? { [STARTS_LABEL]: IN_TURN } : {} },
    spec: {
      nodeName: node,
      containers: [
        {
          name: 'vllm',
          image: 'vllm/vllm-openai:v0.32.0',
          args: [...args],
          ports: [{ name: 'http', containerPort: 8000 }],
        },
      ],
    },
    status: {
      podIP: '10.0.0.7',
      conditions: [
        ready === undefined
          ? { type: 'Ready', status: 'False', lastTransitionTime: day(started) }
          : { type: 'Ready', status: 'True', lastTransitionTime: day(ready) },
      ],
      containerStatuses: [
        containerStatus({
          ready: ready !== undefined,
          started: ready !== undefined,
          state: { running: { startedAt: day(started) } },
          ...(options.ended === undefined
            ? {}
            : {
                lastState: {
                  terminated: {
                    exitCode: 1,
                    startedAt: day(options.ended.startedAt),
                    finishedAt: day(options.ended.finishedAt),
                  },
                },
              }),
        }),
      ],
    },
  };
  return merged(enginePod(), difference) as Pod;
}
