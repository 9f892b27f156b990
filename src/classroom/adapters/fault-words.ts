import type { LoadFault } from './answers.ts';
import type { WantedAdapter } from './wanted.ts';

/** Why an adapter is not loaded and what to do, as two sentences. */
export function faultWords(
  fault: LoadFault,
  adapter: Pick<WantedAdapter, 'path' | 'rank'>,
  said: string,
): string {
  const { path } = adapter;
  switch (fault) {
    case 'FilesMissing':
      return `the folder '${path}' of the model volume is not there or has no adapter_config.json. Put the adapter there; engines look again every few minutes.`;
    case 'NotAFolder':
      return `'${path}' on the model volume is a file. Set \`adapters[].path\` to the folder that holds its adapter_config.json.`;
    case 'Unreadable':
      return `the engine may not read '${path}' on the model volume (${said}). Correct the rights of the files; ${again()}`;
    case 'ConfigBroken':
      return `its adapter_config.json cannot be used (${said}); ${newFolder()}`;
    case 'WeightsBroken':
      return `its adapter_model.safetensors is absent or not complete (${said}); ${newFolder()}`;
    case 'RankTooHigh':
      return `its rank is higher than the engines were started for (${said}). Set \`adapters[].rank\` to the \`r\` of its adapter_config.json, which is ${adapter.rank} in the spec; the engines are then started anew.`;
    case 'ModulesUnknown':
      return `it changes layers that this model does not have (${said}). Train it for this model; ${newFolder()}`;
    case 'ShapesDiffer':
      return `its tensors do not fit this model (${said}). Train it for this model; ${newFolder()}`;
    case 'KindUnsupported':
      return `vLLM does not serve this kind of adapter (${said}). Train a plain LoRA; ${newFolder()}`;
    case 'NameTaken':
      return `a model of this name is served already (${said}). Give the adapter another name.`;
    case 'NoMemory':
      return `the engine had no memory for it (${said}). Use fewer adapters, a lower rank, or a shorter context.`;
    case 'Unknown':
      return `the engine refused it: ${said}. Its log says more; ${again()}`;
  }
}

/** Files of a version that was tried are not changed: another engine may have read them. */
function newFolder(): string {
  return 'put the corrected adapter into a new folder and set `adapters[].path` to it.';
}

function again(): string {
  return 'it is tried again when `adapters[].path` changes or an engine starts anew.';
}

/** Of an adapter at which an engine died, or seemed to. */
export function suspicionWords(said: string): string {
  return `an engine died when it was loaded or first used (${said}), so it is kept from all of them and the class goes on without it. Put a corrected adapter into a new folder and set \`adapters[].path\` to it, or remove it from the spec.`;
}
