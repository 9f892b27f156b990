import { cacheFolder, type Platform } from './cache.ts';
import { binariesErrors } from './errors.ts';
import { type Candidate, locate, pathFolders } from './locate.ts';
import { type Binaries, TOOL_NAMES, TOOLS, type ToolName } from './versions.ts';

export interface EnsureOptions {
  /** Of it: KUBEBUILDER_ASSETS, PATH, XDG_CACHE_HOME. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  /** Takes what a person may want to know, one line at a time. */
  readonly report: (line: string) => void;
}

type Found = Partial<Record<ToolName, string>>;

/**
 * Provides all programs of the throw-away control plane: from KUBEBUILDER_ASSETS, PATH or the user's cache.
 * Throws BinariesError if one is in none of them.
 */
export async function ensureBinaries(options: EnsureOptions): Promise<Binaries> {
  const { environment, platform, report } = options;
  const cache = cacheFolder(environment, platform);
  const assets = environment.KUBEBUILDER_ASSETS;
  const folders = [...(assets ? [assets] : []), ...pathFolders(environment.PATH), cache];
  const rejections: string[] = [];
  const found = await locate(folders, TOOL_NAMES, (tool, candidate) =>
    rejections.push(explainRejection(tool, candidate)),
  );
  const complete = asBinaries(found);
  if (complete !== undefined) return complete;
  rejections.forEach(report);
  throw binariesErrors.unavailable(missingIn(found), [`looked in ${folders.join(', ')}`, ...rejections]);
}

function missingIn(found: Found): ToolName[] {
  return TOOL_NAMES.filter((tool) => found[tool] === undefined);
}

function asBinaries(found: Found): Binaries | undefined {
  return isComplete(found) ? found : undefined;
}

function isComplete(found: Found): found is Binaries {
  return missingIn(found).length === 0;
}

function explainRejection(tool: ToolName, candidate: Candidate): string {
  switch (candidate.state) {
    case 'other-version':
      return `${candidate.path} is not used: it is ${candidate.version}, not ${TOOLS[tool].acceptedPrefix}x`;
    case 'unusable':
      return `${candidate.path} is not used: ${candidate.reason}`;
    case 'fits':
      throw new Error(`${candidate.path} fits and cannot be rejected`);
  }
}
