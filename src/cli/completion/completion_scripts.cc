// What each shell is told: thin, since `remit __complete` does the thinking. It prints a candidate a line, with a tab and its help behind it; a
// candidate that something follows at once ends with `=`. A line `:files` leaves the word to the shell, `:command N` says that a command of others
// begins at word N.
//
// Candidates come from a server, so that each shell quotes them: none is ever evaluated.
#include "cli/completion/completion_scripts.h"

namespace remit::cli {

std::string_view BashCompletion() {
  return R"sh(# bash completion for remit. In ~/.bashrc: source <(remit completion bash)
_remit() {
    local cur cword line value before
    local -a words
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n '=:' cur words cword
    else # as bash splits them, put together again at = and :
        words=() cword=0
        local i glue=
        for ((i = 0; i <= COMP_CWORD; i++)); do
            if [[ -n $glue || (${COMP_WORDS[i]} =~ ^[=:]+$ && ${#words[@]} -gt 0) ]]; then
                words[cword]+=${COMP_WORDS[i]}
            else
                cword=${#words[@]}
                words[cword]=${COMP_WORDS[i]}
            fi
            [[ ${COMP_WORDS[i]} =~ ^[=:]+$ ]] && glue=1 || glue=
        done
        cur=${words[cword]}
    fi
    COMPREPLY=()
    # bash replaces what stands behind the last = or : alone
    before=${cur%"${cur##*[=:]}"}
    [[ $COMP_WORDBREAKS == *[=:]* ]] || before=
    while IFS= read -r line; do
        case $line in
            :files)
                compopt -o filenames 2>/dev/null
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${cur#"$before"}")
                ;;
            :command\ *)
                local at
                for ((at = 1; at < COMP_CWORD; at++)); do [[ ${COMP_WORDS[at]} == -- ]] && break; done
                declare -F _command_offset >/dev/null && _command_offset $((at + 1))
                return
                ;;
            *)
                value=${line%%$'\t'*}
                [[ $value == *= ]] && compopt -o nospace 2>/dev/null
                [[ $value == *= ]] || printf -v value %q "$value"
                COMPREPLY+=("${value#"$before"}")
                ;;
        esac
    done < <(command "${words[0]}" __complete -- "${words[@]:1:cword}" 2>/dev/null)
}
complete -F _remit remit
)sh";
}

std::string_view ZshCompletion() {
  return R"sh(#compdef remit
# zsh completion for remit. In ~/.zshrc, behind compinit: source <(remit completion zsh)
_remit() {
    local line value shown
    local -a typed values texts open opentexts
    typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    for line in "${(@f)$(command ${words[1]} __complete -- "${typed[@]}" 2>/dev/null)}"; do
        case $line in
            '') ;;
            :files) _files && return ;;
            :command\ *)
                value=$(( ${line#:command } + 1 ))
                shift $value words
                (( CURRENT -= value ))
                _normal
                return
                ;;
            *)
                value=${line%%$'\t'*}
                shown=$value
                [[ $line == *$'\t'?* ]] && shown="$value  -- ${line#*$'\t'}"
                if [[ $value == *= ]]; then
                    open+=("$value") opentexts+=("$shown")
                else
                    values+=("$value") texts+=("$shown")
                fi
                ;;
        esac
    done
    (( ${#values} )) && compadd -l -d texts -- "${values[@]}"
    (( ${#open} )) && compadd -l -S '' -d opentexts -- "${open[@]}"
}
(( $+functions[compdef] )) && compdef _remit remit
)sh";
}

std::string_view FishCompletion() {
  return R"sh(# fish completion for remit: remit completion fish > ~/.config/fish/completions/remit.fish
function __remit_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in (command $program __complete -- $words $current 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':command *'
                set -l from (math (string replace ':command ' '' -- $line) + 1)
                complete -C (string join ' ' -- (string escape -- $words[$from..-1]) $current)
            case '*'
                echo $line
        end
    end
end
complete -c remit -f -a '(__remit_complete)'
)sh";
}

}  // namespace remit::cli
