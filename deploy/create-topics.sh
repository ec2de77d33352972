#!/bin/sh
# Makes the topics of engines/definitions/kafka.ts that are not there yet; those that are stay as they are.
# Needs RPK_BROKERS and RPK_ADMIN_HOSTS.
set -eu

# name:partitions
topics='
kol.profiles.raw:6
kol.videos.raw:6
scores.stream:6
kol.profiles.raw.dlq:1
kol.videos.raw.dlq:1
kol.scoring.ledger:1
'

# Container mode switches it on; a misspelt topic is to be an error.
rpk cluster config set auto_create_topics_enabled false

existing=$(rpk topic list)
for topic in $topics; do
  name=${topic%:*}
  if printf '%s\n' "$existing" | grep -q "^$name[[:space:]]"; then
    echo "$name: is there"
  else
    # A dead letter is its record and more: its topic takes larger ones (docs/dead-letters.md).
    case $name in *.dlq) size=2097152 ;; *) size=1048576 ;; esac
    rpk topic create "$name" --partitions "${topic#*:}" --replicas 1 --topic-config "max.message.bytes=$size"
  fi
done
