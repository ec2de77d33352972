#!/bin/sh
# Creates the missing topics of engines/definitions/kafka.ts and leaves existing topics unchanged.
# Needs the environment variables RPK_BROKERS and RPK_ADMIN_HOSTS.
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

# Redpanda's container mode creates topics automatically. Switch that off, so that a misspelled topic is an error.
rpk cluster config set auto_create_topics_enabled false

existing=$(rpk topic list)
for topic in $topics; do
  name=${topic%:*}
  if printf '%s\n' "$existing" | grep -q "^$name[[:space:]]"; then
    echo "$name: already exists"
  else
    # A dead letter contains the rejected record and its error, so its topic accepts larger messages (docs/dead-letters.md).
    case $name in *.dlq) size=2097152 ;; *) size=1048576 ;; esac
    rpk topic create "$name" --partitions "${topic#*:}" --replicas 1 --topic-config "max.message.bytes=$size"
  fi
done
