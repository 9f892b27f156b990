/** The one file that the plugin is. By its ending Node knows it for an ES module, wherever krew puts it. */
export const PROGRAM = 'kubectl-classroom.mjs';
export const ARCHIVE = 'kubectl-classroom.tar.gz';

/**
 * The plugin as krew installs it.
 *
 * @param release where the archive is found: the repository's releases, and the SHA-256 of the archive in hexadecimal
 * @see https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
export function krewManifest({
  repository,
  version,
  sha256,
}: {
  repository: string;
  version: string;
  sha256: string;
}) {
  return {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'classroom' },
    spec: {
      version: `v${version}`,
      homepage: repository,
      shortDescription: 'Run a class on a few GPUs with vLLM',
      description: [
        'Plans, creates, watches and hands out classes of GPU Classroom: an operator and gateway that let',
        'students share vLLM engines on a few NVIDIA GPUs, with a key, a quota and a fair share each.',
        '',
      ].join('\n'),
      caveats: [
        'Needs Node 22.19 or newer in the PATH.',
        'To complete its command line in the shell, put an executable into the PATH:',
        '  kubectl classroom completion kubectl > ~/bin/kubectl_complete-classroom',
        '  chmod +x ~/bin/kubectl_complete-classroom',
        '',
      ].join('\n'),
      platforms: [
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: `${repository}/releases/download/v${version}/${ARCHIVE}`,
          sha256,
          bin: PROGRAM,
        },
      ],
    },
  };
}
