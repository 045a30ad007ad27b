#!/usr/bin/python3
"""A slixmpp client that is told what to do by JSON lines on stdin, and tells what happens by JSON lines on stdout.

usage: slix.py JID HOST PORT CAFILE direct|starttls < commands      (the first line is the password)

Commands: {"do": "message", "to": JID, "body": TEXT}   {"do": "raw", "xml": XML}   {"do": "version", "to": JID}
          {"do": "presence", "to": JID, "type": TYPE, "show": SHOW, "status": TEXT}, all but "do" may be missing
Events: online, message, presence, version, iq-error, failed. It logs out when stdin ends.
"""
import asyncio
import json
import logging
import os
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream import tostring

logging.basicConfig(level=logging.WARNING)
PLUGINS = ("xep_0030", "xep_0092", "xep_0199", "xep_0203")
SHOWS = ("available", "away", "chat", "dnd", "xa")
TYPES = ("unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "error")


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Peer(slixmpp.ClientXMPP):
    def __init__(self, jid, password, cafile):
        super().__init__(jid, password)
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self["xep_0092"].software_name = "slix"
        self["xep_0092"].version = "1"
        self["xep_0092"].os = "test"
        self.ca_certs = cafile
        self.use_ipv6 = False
        # Subscriptions are answered by command.
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.message)
        self.add_event_handler("failed_all_auth", lambda _: tell("failed", why="authentication"))
        self.add_event_handler("connection_failed", lambda e: tell("failed", why=str(e)))
        for kind in SHOWS + TYPES:
            self.add_event_handler("presence_" + kind, self.presence)

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", jid=self.boundjid.full)

    def message(self, stanza):
        delay = stanza.xml.find("{urn:xmpp:delay}delay")
        tell(
            "message",
            **{"from": stanza["from"].full},
            type=stanza["type"],
            id=stanza["id"],
            body=stanza["body"],
            stamp=None if delay is None else delay.get("stamp"),
            xml=tostring(stanza.xml),
        )

    def presence(self, stanza):
        tell(
            "presence",
            **{"from": stanza["from"].full},
            type=stanza.xml.get("type", ""),
            show=stanza.xml.findtext("{jabber:client}show", ""),
            status=stanza["status"],
        )

    async def obey(self):
        reader = asyncio.StreamReader(limit=2**24)
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            await self.do(json.loads(line))
        if not self.sessionstarted:
            os._exit(1)
        self.disconnect()

    async def do(self, command):
        what = command.pop("do")
        if what == "message":
            self.send_message(mto=command["to"], mbody=command["body"], mtype="chat")
        elif what == "raw":
            self.send_raw(command["xml"])
        elif what == "presence":
            self.send_presence(
                pto=command.get("to"),
                ptype=command.get("type"),
                pshow=command.get("show"),
                pstatus=command.get("status"),
            )
        elif what == "version":
            try:
                answer = (await self["xep_0092"].get_version(command["to"], timeout=20))["software_version"]
                tell("version", **{"from": command["to"]}, name=answer["name"], version=answer["version"])
            except IqError as error:
                tell("iq-error", **{"from": command["to"]}, condition=error.condition)
            except IqTimeout:
                tell("iq-error", **{"from": command["to"]}, condition="timeout")


def first_line():
    """Byte by byte: what follows is not for Python's own buffer."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line.decode().rstrip("\n")


jid, host, port, cafile, tls = sys.argv[1:]
peer = Peer(jid, first_line(), cafile)
peer.connect((host, int(port)), use_ssl=tls == "direct", force_starttls=tls == "starttls")
asyncio.ensure_future(peer.obey(), loop=peer.loop)
peer.process(forever=False)
