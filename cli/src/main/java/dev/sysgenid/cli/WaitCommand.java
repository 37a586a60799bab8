// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import dev.sysgenid.daemon.ExitCodes;

/** {@code sysgenid wait}: the gate between a restored system and its traffic. */
final class WaitCommand extends Command {
    private final DeviceOption device;
    private final Acknowledgements acknowledgements;

    WaitCommand(Context context) {
        super(
                context,
                "wait",
                "Wait until every tracked watcher has acknowledged the generation, and print it.",
                "If the generation changes meanwhile, the new one is waited for.");
        device = new DeviceOption(context);
        acknowledgements = new Acknowledgements(context);
        accept(device.spec(), device.domainSpec(), acknowledgements.timeoutOption());
        examples(
                "sysgenid wait --timeout 10s && systemctl start my-traffic.target",
                "sysgenid wait --timeout 0s            is anybody late now?");
        exitCodes(
                ExitCodes.OK, "all have acknowledged",
                ExitCodes.USAGE, "a wrong command line",
                ExitCodes.UNAVAILABLE, "no device, or its daemon is gone",
                ExitCodes.NO_PERMISSION, "you may not open the device",
                ExitCodes.TIMEOUT, "somebody is late; standard error tells who");
    }

    @Override
    int run() throws Failure {
        try (Device opened = Device.open(device.path(), context.opener())) {
            opened.generation();
            context.out().println(acknowledgements.await(opened));
            context.out().flush();
        }
        return ExitCodes.OK;
    }
}
