/** Shells that can be told how to complete our command line. */
export const SHELLS = ['bash', 'zsh', 'fish', 'kubectl'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The words of COMP_WORDBREAKS would break candidates such as `--output=json`: they are offered from the sign on.
 * Without the package bash-completion all the same.
 */
const BASH = `# bash completion of kubectl-classroom: source <(kubectl-classroom completion bash)
_kubectl_classroom() {
  local typed="\${COMP_WORDS[COMP_CWORD]}" line directive=0
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) directive="\${line#:}" ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(kubectl-classroom __complete "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$typed" 2>/dev/null)
  if [ "$directive" = 0 ]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$typed")
  fi
}
complete -F _kubectl_classroom kubectl-classroom
`;

const ZSH = `# zsh completion of kubectl-classroom: source <(kubectl-classroom completion zsh)
_kubectl_classroom() {
  local -a candidates
  local line word about directive=0
  for line in "\${(@f)$(kubectl-classroom __complete "\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]}" 2>/dev/null)}"; do
    case "$line" in
      :*) directive="\${line#:}" ;;
      *)
        word="\${line%%$'\\t'*}"
        about="\${line#"$word"}"
        about="\${about#$'\\t'}"
        # A colon would end the word.
        candidates+=("\${word//:/\\\\:}\${about:+:$about}") ;;
    esac
  done
  _describe 'kubectl-classroom' candidates
  if [ "$directive" = 0 ]; then _files; fi
}
compdef _kubectl_classroom kubectl-classroom
`;

// A substitution that is empty is no argument at all in fish: the word being typed goes through a variable.
const FISH = `# fish completion of kubectl-classroom: kubectl-classroom completion fish | source
function __kubectl_classroom_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  kubectl-classroom __complete $words[2..-1] "$typed" 2>/dev/null
end
function __kubectl_classroom_candidates
  __kubectl_classroom_complete | string match -v -r '^:[0-9]+$'
end
complete -c kubectl-classroom -f -a '(__kubectl_classroom_candidates)'
complete -c kubectl-classroom -n '__kubectl_classroom_complete | string match -q :0' -F
`;

const KUBECTL = `#!/bin/sh
# Completion of kubectl classroom: an executable of the name kubectl_complete-classroom in the PATH, which kubectl calls.
exec kubectl-classroom __complete "$@"
`;

/** The script for a shell; for kubectl, the program that it calls to complete the plugin's command line. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return BASH;
    case 'zsh':
      return ZSH;
    case 'fish':
      return FISH;
    case 'kubectl':
      return KUBECTL;
  }
}
