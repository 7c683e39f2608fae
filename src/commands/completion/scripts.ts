/** What a shell is told, once, to ask calm for completions. */

const BASH = `_calm_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(calm complete bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
  [[ "\${COMPREPLY[0]}" == *[=./] ]] && compopt -o nospace
  return 0
}
complete -o default -F _calm_complete calm
`;

const ZSH = `#compdef calm
_calm() {
  local line value
  local -a whole open
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    line="\${value//:/\\\\:}:\${line#*$'\\t'}"
    if [[ $value == *[=./] ]]; then open+=("$line"); else whole+=("$line"); fi
  done < <(calm complete zsh "\${(@Q)words[1,CURRENT]}" 2>/dev/null)
  (( $#whole )) && _describe -t calm calm whole
  (( $#open )) && _describe -t calm calm open -S ''
  (( $#whole + $#open )) || _files
}
if [[ $zsh_eval_context == *func ]]; then _calm "$@"; else compdef _calm calm; fi
`;

const FISH = `function __calm_complete
  set -l found (calm complete fish (commandline -opc) (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    string join \\n -- $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c calm -f -a '(__calm_complete)'
`;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** The line that switches completion on, and the file that it belongs into. */
export const SWITCH_ON: Readonly<Record<Shell, readonly [line: string, file: string]>> = {
  bash: ['source <(calm autocomplete bash)', '~/.bashrc'],
  zsh: ['autoload -Uz compinit && compinit && source <(calm autocomplete zsh)', '~/.zshrc'],
  fish: ['calm autocomplete fish | source', '~/.config/fish/config.fish'],
};
